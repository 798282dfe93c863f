// form[data-compare]: no side can be chosen before both pictures are there to be seen.
import { each, words } from './dom.js';
import { toast } from './toast.js';

each('form[data-compare]', async (form) => {
  const buttons = [...form.querySelectorAll('button')];
  const needed = buttons.filter((button) => button.value !== 'skip');
  for (const button of needed) button.disabled = true;
  const pictures = [...form.querySelectorAll('.compare__side img')];
  try {
    await Promise.all(pictures.map((picture) => picture.decode()));
  } catch {
    toast(words('nopicture', 'A picture did not load. Skip this pair, or reload the page.'), 'error');
    return;
  }
  for (const button of needed) button.disabled = false;
  const shownAt = performance.now();
  form.addEventListener('submit', () => {
    if (form.elements.dwell_ms) form.elements.dwell_ms.value = Math.round(performance.now() - shownAt);
  });
});
