// form[data-ranking]: pressing the pictures, the best first, gives them their ranks; the last one gets what is left.
import { answerOnce, goOn } from './asked.js';
import { each } from './dom.js';

each('form[data-ranking]', (form) => {
  const cells = [...form.querySelectorAll('.ranking__cell')].map((cell) => ({
    button: cell.querySelector('[data-press]'), shown: cell.querySelector('[data-rank]'), choice: cell.querySelector('select'),
  }));
  const send = form.querySelector('[data-send]'), undo = form.querySelector('[data-undo]'), said = form.querySelector('[data-said]');
  let isShown = false, pressed = [];

  function update() {
    for (const cell of cells) {
      const rank = pressed.indexOf(cell) + 1;
      cell.choice.value = rank || '';
      cell.shown.textContent = rank || '';
      const { label, ranked } = cell.button.dataset;
      cell.button.setAttribute('aria-label', rank ? ranked.replace('{rank}', rank) : label);
      cell.button.disabled = !isShown;
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
  const sendAgain = answerOnce(form, {
    pictures: [...form.querySelectorAll('.compare__side img')],
    onShown() {
      isShown = true;
      update();
    },
    onAnswer: (answer) => goOn(form, answer, sendAgain),
  });
  update();
});
