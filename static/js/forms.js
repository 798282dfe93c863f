// data-submit-on-enter (Ctrl+Enter in a textarea), data-autosubmit, data-toggle, and no double submits.
import { each, on } from './dom.js';

on('keydown', 'textarea[data-submit-on-enter]', (area, event) => {
  if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  area.form.requestSubmit();
});

on('change', 'form[data-autosubmit]', (form) => form.requestSubmit());

// A toggle changes at once; a refusal changes it back.
const flip = (button) => button.setAttribute('aria-pressed', String(button.getAttribute('aria-pressed') !== 'true'));
document.addEventListener('htmx:beforeRequest', (event) => {
  const button = event.detail.elt.querySelector?.('[data-toggle]');
  if (button) flip(button);
});
for (const failure of ['htmx:responseError', 'htmx:sendError']) {
  document.addEventListener(failure, (event) => {
    const button = event.detail.elt.querySelector?.('[data-toggle]');
    if (button) flip(button);
  });
}

// A second quick press does not send the form again. The server checks an idempotency key as well.
document.addEventListener('submit', (event) => {
  const { target: form } = event;
  if (event.defaultPrevented || form.method === 'dialog' || form.hasAttribute('hx-post') || form.target) return;
  if (form.dataset.sent && form.method === 'post') {
    event.preventDefault();
    return;
  }
  form.dataset.sent = 'yes';
});
window.addEventListener('pageshow', () => {
  for (const form of document.querySelectorAll('form[data-sent]')) delete form.dataset.sent;
});

// A row of tabs that is wider than the screen shows the current one.
each(':is(.tabs, .sidenav) > [aria-current]', (tab) => {
  const row = tab.parentElement;
  row.scrollLeft = tab.offsetLeft - (row.clientWidth - tab.offsetWidth) / 2;
});
