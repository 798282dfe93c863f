// a[data-dialog]: the form of the page it leads to, in a dialog over this one; it is sent as on its own page.
import { on, parse, request } from './dom.js';

on('click', 'a[data-dialog]', async (link, event) => {
  if (event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  const answer = await request(link.href, { headers: { 'HX-Request': 'false' } }).catch(() => null);
  const page = answer?.ok ? parse(await answer.text()) : null;
  const form = page?.querySelector('main form'), title = page?.querySelector('main h1');
  if (!form || !title) {
    location.assign(link.href);
    return;
  }
  const dialog = document.createElement('dialog');
  dialog.className = 'dialog';
  dialog.setAttribute('aria-labelledby', 'dialog-title');
  const head = document.createElement('h2');
  Object.assign(head, { id: 'dialog-title', className: 'dialog__title', textContent: title.textContent });
  form.setAttribute('action', link.href);
  dialog.append(head, document.adoptNode(form));
  document.body.append(dialog);
  dialog.addEventListener('click', (click) => {
    if (!click.target.closest?.('.form__actions a')) return;
    click.preventDefault();
    dialog.close();
  });
  dialog.addEventListener('close', () => dialog.remove());
  dialog.showModal();
});
