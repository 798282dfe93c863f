// [data-form-sheet]: a link whose page is shown over this one. What a form answers goes into the same sheet; an answer
// without a body closes it. "pictures-changed" (HX-Trigger) shows those pictures anew, wherever this page has them.
import { on, parse, refresh, request, words } from './dom.js';
import { toast } from './toast.js';
import './tags.js';

const dialog = document.getElementById('form-sheet');
const content = document.getElementById('form-sheet-content');
let opener = null;

/** Shows the page at `url` as a sheet. */
export async function openSheet(url) {
  const answer = await request(url).catch(() => null);
  if (!answer?.ok) {
    toast(words('failed', 'That did not work. Nothing was changed.'), 'error');
    return;
  }
  content.replaceChildren(...parse(await answer.text()).body.children);
  window.htmx?.process(content);
  show();
}

function show() {
  if (!dialog.open) {
    opener = document.activeElement;
    dialog.showModal();
  }
  content.querySelector('input:not([type=hidden]), textarea, select, button[type=submit]')?.focus();
}

on('click', 'a[data-form-sheet]', (link, event) => {
  if (!dialog?.showModal || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  openSheet(link.href);
});
document.addEventListener('htmx:afterSwap', (event) => {
  if (event.detail.target === content && content.childElementCount) show();
});
document.addEventListener('htmx:afterRequest', (event) => {
  const { target, xhr } = event.detail;
  if (target === content && xhr.status === 204 && dialog.open) dialog.close();
});
dialog?.addEventListener('close', () => {
  content.replaceChildren();
  if (opener?.isConnected) opener.focus();
});
// Toasts lie behind a sheet: what is said while it is open stands in it.
document.addEventListener('toast', (event) => {
  if (!dialog?.open || event.detail.level !== 'error') return;
  const line = document.createElement('p');
  Object.assign(line, { className: 'errors', role: 'alert', textContent: event.detail.text });
  content.querySelector('.errors')?.remove();
  content.querySelector('.dialog__head')?.after(line);
});
document.addEventListener('pictures-changed', (event) => refresh(event.detail.images));
