// The form of Create and of a result's page: new pictures come above the old ones, and the page stays.
import { on, parse, replace, request, speak, words } from '../dom.js';
import { toast } from '../toast.js';
import './board.js';
import './draft.js';
import './frame.js';
import './mask.js';
import './prompt.js';
import './recall.js';
import './source.js';

const form = () => document.getElementById('create-form');
const KEY_BYTES = 12;

/** One form, sent twice, makes one generation; sent again after its pictures came, another. */
function freshKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
  return btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_');
}

// A form with something wrong comes back as a page: its form takes the place of this one.
document.addEventListener('htmx:beforeSwap', (event) => {
  const { requestConfig, xhr } = event.detail;
  if (event.detail.target.id !== 'results' || !requestConfig.elt.matches('[data-create]') || xhr.status < 400) return;
  if (!xhr.getResponseHeader('Content-Type')?.startsWith('text/html')) return;
  Object.assign(event.detail, { shouldSwap: true, isError: false, target: form(), selectOverride: '#create-form', swapOverride: 'outerHTML' });
});
document.addEventListener('htmx:afterSwap', (event) => {
  const { requestConfig, target, xhr } = event.detail;
  if (target.id !== 'results' || xhr.status >= 400 || !requestConfig) return;
  document.querySelector('[data-first-steps]')?.remove();
  const result = target.querySelector('.result');
  if (!result) return;
  if (form()) form().elements.idempotency_key.value = freshKey();
  history.replaceState(null, '', result.dataset.shownBy);
  speak(result.dataset.sentence);
  document.body.dispatchEvent(new CustomEvent('created'));
  result.scrollIntoView({ block: 'start' });
});
document.addEventListener('htmx:afterSettle', () => {
  document.querySelector('#create-form :is(.errors, .field__error, .notice--warning)')?.scrollIntoView({ block: 'nearest' });
});

on('click', '[data-seed]', (button) => {
  const { seed } = form().elements;
  const lock = form().querySelector('[data-seed="lock"]');
  const shown = document.querySelector('[data-last-seed]')?.dataset.lastSeed;
  const rolled = () => String(crypto.getRandomValues(new Uint32Array(1))[0] >>> 1);
  if (button.dataset.seed === 'roll') seed.value = rolled();
  else seed.value = seed.value ? '' : shown ?? rolled();
  lock.setAttribute('aria-pressed', String(seed.value !== ''));
  seed.dispatchEvent(new Event('change', { bubbles: true }));
});
on('input', '#id_seed', (seed) => {
  seed.form.querySelector('[data-seed="lock"]').setAttribute('aria-pressed', String(seed.value !== ''));
});

// [data-in-place]: a button about one generation. Its answer takes the place of what shows the generation by then: the
// state of a picture may have come by the stream, and another button been pressed, before the answer to the first.
let queue = Promise.resolve();
async function act(form, id, body) {
  const answer = await request(form.action, { method: 'POST', body }).catch(() => null);
  const page = answer?.ok ? parse(await answer.text()) : null;
  const result = page?.querySelector('.result');
  const shown = document.querySelector(`[data-result="${CSS.escape(id)}"]`);
  for (const said of page?.querySelectorAll('[data-toast]') ?? []) {
    toast(said.querySelector('[data-toast-text]').textContent, said.dataset.toast);
  }
  if (result && shown) replace(shown, result.outerHTML);
  else toast(words('failed', 'That did not work. Nothing was changed.'), 'error');
}
on('submit', 'form[data-in-place]', (form, event) => {
  if (event.defaultPrevented) return;
  event.preventDefault();
  const { result: id } = form.closest('[data-result]').dataset;
  const body = new URLSearchParams(new FormData(form));
  queue = queue.then(() => act(form, id, body));
});
