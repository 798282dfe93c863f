// Toasts: Django messages in the page, `HX-Trigger: {"toast": {"text", "level"}}` from htmx, toast() from modules.
import { each, on, request, trigger, words } from './dom.js';

const STAYS_MS = 6000, STAYS_WITH_ACTIONS_MS = 15_000, MOST = 3;

/** Show a sentence for a while; one at level "error" stays until dismissed. `actions` are buttons, as
 * feed.responses.ToastAction has them: one leaves more time. */
export function toast(text, level = 'info', actions = []) {
  const element = document.getElementById('toast-template').content.firstElementChild.cloneNode(true);
  element.className = `toast toast--${level}`;
  element.dataset.toast = level;
  element.querySelector('[data-toast-text]').textContent = text;
  element.querySelector('[data-toast-text]').after(...actions.map((action) => control(action, element)));
  if (actions.length) element.dataset.toastActions = '';
  const box = document.getElementById('toasts');
  for (const other of box.querySelectorAll('[data-toast]')) if (other.querySelector('[data-toast-text]').textContent === text) other.remove();
  while (box.querySelectorAll('[data-toast]').length >= MOST) box.querySelector('[data-toast]').remove();
  box.append(element);
}

function control({ text, url, kind, body }, element) {
  const link = document.createElement(kind === 'post' ? 'button' : 'a');
  link.className = 'toast__action';
  link.textContent = text;
  if (kind === 'post') {
    link.type = 'button';
    link.addEventListener('click', () => send(url, body, element));
  } else {
    link.href = url;
    if (kind === 'sheet') link.dataset.formSheet = '';
    link.addEventListener('click', () => setTimeout(() => element.remove()));
  }
  return link;
}

async function send(url, body, element) {
  const options = { method: 'POST', body: new URLSearchParams(body) };
  const answer = await request(url, options).catch(() => null);
  element.remove();
  if (answer?.headers.has('HX-Trigger')) trigger(answer);
  else if (!answer?.ok) toast(words('failed', 'That did not work. Nothing was changed.'), 'error');
}

each('#toasts > [data-toast]', (element) => {
  if (element.dataset.toast === 'error') return;
  const stays = element.dataset.toastActions === undefined ? STAYS_MS : STAYS_WITH_ACTIONS_MS;
  const leave = () => {
    if (element.matches(':hover, :focus-within')) setTimeout(leave, STAYS_MS);
    else element.remove();
  };
  setTimeout(leave, stays);
});
on('click', '[data-toast-close]', (button) => button.closest('[data-toast]').remove());

document.addEventListener('toast', (event) => toast(event.detail.text ?? event.detail.value, event.detail.level, event.detail.actions));
document.addEventListener('htmx:responseError', (event) => {
  const { status } = event.detail.xhr;
  if (status === 403) toast(words('signin', 'Sign in to do that.'), 'error');
  else if (status === 429) toast(words('slow', 'That was too quick. Wait a moment and try again.'), 'error');
  else toast(words('failed', 'That did not work. Nothing was changed.'), 'error');
});
document.addEventListener('htmx:sendError', () => toast(words('offline', 'The site cannot be reached. Try again.'), 'error'));
