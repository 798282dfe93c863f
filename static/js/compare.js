// form[data-compare]: a side can be chosen once both pictures are loaded, which is also reported to the server.
import { each, words } from './dom.js';
import { report } from './question.js';
import { toast } from './toast.js';

each('form[data-compare]', async (form) => {
  let shownAt = null;
  const buttons = [...form.querySelectorAll('button')];
  const needed = buttons.filter((button) => button.value !== 'skip');
  for (const button of needed) button.disabled = true;
  form.addEventListener('submit', () => {
    form.dataset.isAnswered = '';
    if (form.elements.dwell_ms && shownAt !== null) form.elements.dwell_ms.value = Math.round(performance.now() - shownAt);
  });
  window.addEventListener('pagehide', () => {
    if (shownAt === null && form.dataset.isAnswered === undefined) report(form, 'not_rendered');
  }, { once: true });
  try {
    await Promise.all([...form.querySelectorAll('.compare__side img')].map((picture) => picture.decode()));
  } catch {
    toast(words('nopicture', 'A picture did not load. Skip this pair, or reload the page.'), 'error');
    return;
  }
  for (const button of needed) button.disabled = false;
  shownAt = performance.now();
  report(form, 'shown');
});
