// [data-frame-editor]: the frame around a picture, dragged outwards by its sides or by number fields; the picture is
// extended to fill it. Each side is a slider for the keyboard: arrows by 8 pixels, with Shift by 64.
import { each } from '../dom.js';

const SIDES = ['left', 'top', 'right', 'bottom'];
const STEP = 8;
const MOST = 2048;
const OUTWARD = { left: [-1, 0], right: [1, 0], top: [0, -1], bottom: [0, 1] };

each('[data-frame-editor]', (box) => {
  const svg = box.querySelector('svg');
  const picture = svg.querySelector('image');
  const field = (side) => box.querySelector(`input[name="border_${side}"]`);
  const handle = (side) => svg.querySelector(`[data-side="${side}"]`);
  const value = (side) => Math.max(0, Math.round(Number(field(side).value) || 0));
  let size = { width: 512, height: 512 };
  let drag = null;

  function set(side, pixels) {
    field(side).value = Math.min(MOST, Math.max(0, Math.round(pixels / STEP) * STEP)) || '';
    draw();
  }

  function place(element, x, y, width, height) {
    for (const [name, number] of Object.entries({ x, y, width, height })) element.setAttribute(name, number);
  }

  function draw() {
    const [left, top, right, bottom] = SIDES.map(value);
    const [width, height] = [size.width + left + right, size.height + top + bottom];
    // While a side is dragged the view stands still, or the side would run away from the pointer.
    if (!drag) {
      const margin = Math.max(width, height) / 8;
      svg.setAttribute('viewBox', [-left - margin, -top - margin, width + 2 * margin, height + 2 * margin].join(' '));
    }
    const thick = Number(svg.getAttribute('viewBox').split(' ')[2]) / 22;
    place(picture, 0, 0, size.width, size.height);
    place(svg.querySelector('[data-frame]'), -left, -top, width, height);
    place(handle('left'), -left - thick / 2, -top, thick, height);
    place(handle('right'), size.width + right - thick / 2, -top, thick, height);
    place(handle('top'), -left, -top - thick / 2, width, thick);
    place(handle('bottom'), -left, size.height + bottom - thick / 2, width, thick);
    for (const side of SIDES) {
      handle(side).setAttribute('aria-valuenow', value(side));
      handle(side).setAttribute('aria-valuetext', `${value(side)} px`);
    }
    box.querySelector('[data-frame-size]').textContent = `${width} × ${height}`;
  }

  function scale() {
    const matrix = svg.getScreenCTM();
    return matrix ? 1 / matrix.a : 1;
  }

  for (const side of SIDES) {
    handle(side).addEventListener('pointerdown', (event) => {
      event.preventDefault();
      handle(side).setPointerCapture(event.pointerId);
      drag = { side, x: event.clientX, y: event.clientY, from: value(side), scale: scale() };
    });
    handle(side).addEventListener('pointermove', (event) => {
      if (drag?.side !== side) return;
      const [x, y] = OUTWARD[side];
      set(side, drag.from + ((event.clientX - drag.x) * x + (event.clientY - drag.y) * y) * drag.scale);
    });
    for (const end of ['pointerup', 'pointercancel']) {
      handle(side).addEventListener(end, () => {
        drag = null;
        draw();
        field(side).dispatchEvent(new Event('change', { bubbles: true }));
      });
    }
    handle(side).addEventListener('keydown', (event) => {
      const by = event.shiftKey ? 64 : STEP;
      const [x, y] = OUTWARD[side];
      const steps = { ArrowLeft: -x, ArrowRight: x, ArrowUp: -y, ArrowDown: y, Home: -MOST };
      if (!steps[event.key]) return;
      event.preventDefault();
      set(side, value(side) + steps[event.key] * by);
      field(side).dispatchEvent(new Event('change', { bubbles: true }));
    });
    field(side).addEventListener('input', draw);
  }
  box.addEventListener('source', (event) => {
    size = { width: event.detail.width, height: event.detail.height };
    picture.setAttribute('href', event.detail.src);
    draw();
  });
  draw();
});
