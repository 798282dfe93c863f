// data-theme-switch: flips light and dark. The choice is a cookie, so that the server paints it next time.
import { on } from './dom.js';

const YEAR = 31_536_000;
const root = document.documentElement;

function current() {
  return root.dataset.theme || (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light');
}

on('click', '[data-theme-switch]', () => {
  root.dataset.theme = current() === 'dark' ? 'light' : 'dark';
  document.cookie = `theme=${root.dataset.theme}; path=/; max-age=${YEAR}; samesite=lax`;
});
