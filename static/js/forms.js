// data-submit-on-enter (Ctrl+Enter in a textarea), data-autosubmit, data-tidy, data-remember, and no double submits.
import { each, on } from './dom.js';

on('keydown', 'textarea[data-submit-on-enter]', (area, event) => {
  if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  area.form.requestSubmit();
});

on('change', 'form[data-autosubmit]', (form) => form.requestSubmit());

// Addresses name only what was chosen.
on('formdata', 'form[data-tidy]', (form, event) => {
  for (const [name, value] of [...event.formData]) if (value === '') event.formData.delete(name);
});

// A second quick press of a button does not send the form again; the server checks an idempotency key as well. The
// guard ends by itself, as no event tells that no page follows: a download, a 204, a stopped navigation.
const QUICK = 2000; // milliseconds
const sent = new WeakMap();
document.addEventListener('submit', (event) => {
  const { target: form, submitter } = event;
  if (event.defaultPrevented || form.method !== 'post' || form.hasAttribute('hx-post') || form.target) return;
  const last = sent.get(form);
  if (last && last.submitter === submitter && event.timeStamp - last.at < QUICK) event.preventDefault();
  else sent.set(form, { submitter, at: event.timeStamp });
});
window.addEventListener('pageshow', (event) => {
  if (event.persisted) for (const form of document.forms) sent.delete(form);
});

// A row of tabs that is wider than the screen shows the current one.
each(':is(.tabs, .sidenav) > [aria-current]', (tab) => {
  const row = tab.parentElement;
  row.scrollLeft = tab.offsetLeft - (row.clientWidth - tab.offsetWidth) / 2;
});

// details[data-remember="name"] is as it was left.
each('details[data-remember]', (details) => {
  const name = `open:${details.dataset.remember}`;
  if (localStorage.getItem(name) === 'yes') details.open = true;
  details.addEventListener('toggle', () => localStorage.setItem(name, details.open ? 'yes' : ''));
});
