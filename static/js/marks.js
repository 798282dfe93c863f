// form[data-marks]: a press on the picture, or a button, adds a mark; it is moved by the arrow keys, removed by Delete
// or its button, and may have a word. The marks go as JSON; what comes back takes the form's place.
import { answerOnce, goOn } from './asked.js';
import { each } from './dom.js';

const STEP = 0.02, LARGE_STEP = 0.1;
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const within = (value) => Math.min(1, Math.max(0, value));
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_all, name) => values[name]);

each('form[data-marks]', (form) => {
  const picture = form.querySelector('[data-picture]'), image = picture.querySelector('img');
  const list = form.querySelector('[data-list]'), send = form.querySelector('[data-send]'), none = form.querySelector('[data-none]');
  const most = Number(form.dataset.most);
  let isShown = false, marks = [];

  function update() {
    marks.forEach((mark, number) => {
      mark.button.style.insetInlineStart = 'auto';
      mark.button.style.left = `${mark.x * 100}%`;
      mark.button.style.top = `${mark.y * 100}%`;
      mark.button.textContent = String(number + 1);
      const place = { n: number + 1, x: Math.round(mark.x * 100), y: Math.round(mark.y * 100) };
      mark.button.setAttribute('aria-label', fill(mark.button.dataset.label, place));
      mark.row.querySelector('[data-number]').textContent = String(number + 1);
      const removal = mark.row.querySelector('[data-remove]');
      removal.setAttribute('aria-label', fill(removal.dataset.label, place));
    });
    send.disabled = !marks.length || !isShown;
    none.disabled = marks.length > 0 || !isShown;
    form.querySelector('[data-add]').disabled = marks.length >= most || !isShown;
  }

  function remove(mark) {
    const number = marks.indexOf(mark);
    marks = marks.filter((each) => each !== mark);
    mark.button.remove();
    mark.row.remove();
    update();
    (marks[Math.min(number, marks.length - 1)]?.button ?? form.querySelector('[data-add]')).focus({ preventScroll: true });
  }

  function add(x, y) {
    if (marks.length >= most || !isShown) return null;
    const copy = (name) => form.querySelector(`template[data-${name}]`).content.firstElementChild.cloneNode(true);
    const mark = { x: within(x), y: within(y), button: copy('mark'), row: copy('row') };
    mark.button.addEventListener('keydown', (event) => {
      const move = MOVES[event.key];
      if (event.key === 'Delete' || event.key === 'Backspace') remove(mark);
      else if (move) {
        const step = event.shiftKey ? LARGE_STEP : STEP;
        [mark.x, mark.y] = [within(mark.x + move[0] * step), within(mark.y + move[1] * step)];
        update();
      } else if (event.key === 'Enter') mark.row.querySelector('input').focus();
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
    mark.row.querySelector('input').addEventListener('keydown', (event) => {
      if (event.key !== 'Enter') return; // it would send the form
      event.preventDefault();
      send.focus();
    });
    mark.row.querySelector('[data-remove]').addEventListener('click', () => remove(mark));
    marks.push(mark);
    picture.append(mark.button);
    list.append(mark.row);
    update();
    return mark;
  }

  picture.addEventListener('click', (event) => {
    if (event.target !== image) return;
    const box = image.getBoundingClientRect();
    add((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
  });
  form.querySelector('[data-add]').addEventListener('click', () => add(0.5, 0.5)?.button.focus({ preventScroll: true }));

  const sendAgain = answerOnce(form, {
    pictures: [image],
    onShown() {
      isShown = true;
      update();
    },
    fill() {
      const made = marks.map(({ x, y, row }) => ({ x, y, word: row.querySelector('input').value }));
      form.elements.marks.value = JSON.stringify(made);
    },
    onAnswer: (answer) => goOn(form, answer, sendAgain),
  });
  update();
});
