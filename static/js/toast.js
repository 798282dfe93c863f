// Toasts: Django messages in the page, `HX-Trigger: {"toast": {"text", "level"}}` from htmx, toast() from modules.
import { each, on, words } from './dom.js';

const STAYS_MS = 6000, MOST = 3;

/** Show a sentence for a while; one at level "error" stays until dismissed. */
export function toast(text, level = 'info') {
  const element = document.getElementById('toast-template').content.firstElementChild.cloneNode(true);
  element.className = `toast toast--${level}`;
  element.dataset.toast = level;
  element.querySelector('[data-toast-text]').textContent = text;
  const box = document.getElementById('toasts');
  for (const other of box.querySelectorAll('[data-toast]')) if (other.querySelector('[data-toast-text]').textContent === text) other.remove();
  while (box.querySelectorAll('[data-toast]').length >= MOST) box.querySelector('[data-toast]').remove();
  box.append(element);
}

each('#toasts > [data-toast]', (element) => {
  if (element.dataset.toast !== 'error') setTimeout(() => element.remove(), STAYS_MS);
});
on('click', '[data-toast-close]', (button) => button.closest('[data-toast]').remove());

document.addEventListener('toast', (event) => toast(event.detail.text ?? event.detail.value, event.detail.level));
document.addEventListener('htmx:responseError', (event) => {
  const { status } = event.detail.xhr;
  if (status === 403) toast(words('signin', 'Sign in to do that.'), 'error');
  else if (status === 429) toast(words('slow', 'That was too quick. Wait a moment and try again.'), 'error');
  else toast(words('failed', 'That did not work. Nothing was changed.'), 'error');
});
document.addEventListener('htmx:sendError', () => toast(words('offline', 'The site cannot be reached. Try again.'), 'error'));
