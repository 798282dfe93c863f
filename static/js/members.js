// form[data-read-soon] marks notifications as read once they were seen; [data-close-steps] closes the first steps;
// a password can be shown while it is typed.
import { each, on, request, words } from './dom.js';

const SEEN_MS = 1500, YEAR = 31_536_000;

each('form[data-read-soon]', (form) => {
  setTimeout(async () => {
    if (document.hidden || !form.isConnected) return;
    const answer = await request(form.action, { method: 'POST', body: new FormData(form) }).catch(() => null);
    if (!answer?.ok) return;
    form.remove();
    for (const count of document.querySelectorAll('.icon-button__count')) count.remove();
  }, SEEN_MS);
});

on('click', '[data-close-steps]', (button) => {
  button.closest('[data-steps]').remove();
  document.cookie = `steps=done; path=/; max-age=${YEAR}; samesite=lax`;
});

each('.field input[type="password"]', (input) => {
  const button = document.createElement('button');
  Object.assign(button, { type: 'button', className: 'link-button field__show', textContent: words('show', 'Show') });
  button.setAttribute('aria-pressed', 'false');
  button.setAttribute('aria-label', words('showpassword', 'Show the password'));
  button.addEventListener('click', () => {
    const isShown = input.type === 'text';
    input.type = isShown ? 'password' : 'text';
    button.setAttribute('aria-pressed', String(!isShown));
    button.textContent = isShown ? words('show', 'Show') : words('hide', 'Hide');
  });
  input.after(button);
  input.parentElement.classList.add('field--shows');
});

if ('serviceWorker' in navigator && window.isSecureContext) navigator.serviceWorker.register('/service-worker.js').catch(() => {});
