// form[data-ranking]: pressing the pictures, the best first, gives them their ranks; the last one gets what is left.
import { each, parse, replace, request, words } from './dom.js';
import { report } from './question.js';
import { toast } from './toast.js';

each('form[data-ranking]', async (form) => {
  const cells = [...form.querySelectorAll('.ranking__cell')].map((cell) => ({
    button: cell.querySelector('[data-press]'), shown: cell.querySelector('[data-rank]'), choice: cell.querySelector('select'),
  }));
  const send = form.querySelector('[data-send]'), undo = form.querySelector('[data-undo]'), said = form.querySelector('[data-said]');
  let shownAt = null, pressed = [];

  function update() {
    for (const cell of cells) {
      const rank = pressed.indexOf(cell) + 1;
      cell.choice.value = rank || '';
      cell.shown.textContent = rank || '';
      const { label, ranked } = cell.button.dataset;
      cell.button.setAttribute('aria-label', rank ? ranked.replace('{rank}', rank) : label);
      cell.button.disabled = shownAt === null;
    }
    send.disabled = pressed.length < cells.length;
    undo.disabled = !pressed.length;
  }

  function press(cell) {
    if (pressed.includes(cell)) return;
    pressed.push(cell);
    const left = cells.filter((other) => !pressed.includes(other));
    if (left.length === 1) pressed.push(left[0]);
    update();
    said.textContent = cell.button.getAttribute('aria-label');
    if (!send.disabled) send.focus({ preventScroll: true });
  }

  for (const cell of cells) cell.button.addEventListener('click', () => press(cell));
  undo.addEventListener('click', () => {
    if (pressed.length === cells.length) pressed.pop(); // it was given, not pressed
    pressed.pop();
    update();
  });
  form.classList.add('ranking--pressed');
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (form.dataset.isSent !== undefined) return;
    form.dataset.isSent = '';
    if (shownAt !== null) form.elements.dwell_ms.value = Math.round(performance.now() - shownAt);
    const answer = await request(form.getAttribute('action'), { method: 'POST', body: new FormData(form, event.submitter) }).catch(() => null);
    if (answer?.ok) {
      const [next] = replace(form, await answer.text());
      next?.querySelector('.compare__buttons button:enabled, a')?.focus({ preventScroll: true });
      return;
    }
    delete form.dataset.isSent;
    const refusal = answer && parse(await answer.text()).querySelector('.notice p');
    toast(refusal?.textContent || words('noanswer', 'Your answer was not saved. Try again, or skip.'), 'error');
  });
  window.addEventListener('pagehide', () => {
    if (shownAt === null && form.isConnected) report(form, 'not_rendered');
  }, { once: true });
  update();
  try {
    await Promise.all([...form.querySelectorAll('.compare__side img')].map((picture) => picture.decode()));
  } catch {
    toast(words('nopicture', 'A picture did not load. Skip this pair, or reload the page.'), 'error');
    return;
  }
  shownAt = performance.now();
  update();
  report(form, 'shown');
});
