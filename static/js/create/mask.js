// [data-mask-editor]: a brush over the picture to start from. What is painted is sent as the mask: white is drawn anew.
// By mouse, pen and finger; by keyboard the arrows move the brush, Space paints, [ and ] change its size, Ctrl+Z undoes.
import { each, on } from '../dom.js';

const LARGEST = 2048; // pixels of a side, as the server keeps them
const MOST_UNDONE = 20;

class Mask {
  constructor(box) {
    this.box = box;
    this.picture = box.querySelector('[data-mask-picture]');
    this.canvas = box.querySelector('canvas');
    this.brush = box.querySelector('[data-brush]');
    this.input = document.querySelector('input[name="mask_file"]');
    this.undone = [];
    this.at = null;
    this.canvas.addEventListener('pointerdown', (event) => this.begin(event));
    this.canvas.addEventListener('pointermove', (event) => this.move(event));
    for (const end of ['pointerup', 'pointercancel']) this.canvas.addEventListener(end, () => this.end());
    this.canvas.addEventListener('keydown', (event) => this.key(event));
    this.canvas.addEventListener('focus', () => this.ring());
    this.canvas.addEventListener('blur', () => { this.brush.hidden = true; });
    this.picture.addEventListener('load', () => this.reset());
    if (this.picture.complete && this.picture.naturalWidth) this.reset();
  }

  get size() { return Number(this.box.querySelector('[data-mask-size]').value) * this.canvas.width / 512; }
  get erases() { return this.box.querySelector('[data-mask-tool="erase"]').getAttribute('aria-pressed') === 'true'; }

  reset() {
    const scale = Math.min(1, LARGEST / Math.max(this.picture.naturalWidth, this.picture.naturalHeight));
    this.canvas.width = Math.round(this.picture.naturalWidth * scale);
    this.canvas.height = Math.round(this.picture.naturalHeight * scale);
    this.context = this.canvas.getContext('2d', { willReadFrequently: true });
    this.undone = [];
    this.at = { x: this.canvas.width / 2, y: this.canvas.height / 2 };
    this.send();
  }

  point(event) {
    const { left, top, width, height } = this.canvas.getBoundingClientRect();
    return { x: (event.clientX - left) * this.canvas.width / width, y: (event.clientY - top) * this.canvas.height / height };
  }

  remember() {
    this.undone.push(this.context.getImageData(0, 0, this.canvas.width, this.canvas.height));
    if (this.undone.length > MOST_UNDONE) this.undone.shift();
  }

  begin(event) {
    if (!this.context || event.button) return;
    event.preventDefault();
    this.canvas.focus({ preventScroll: true });
    this.canvas.setPointerCapture(event.pointerId);
    this.remember();
    this.isDown = true;
    this.at = this.point(event);
    this.stroke(this.at, this.at);
  }

  move(event) {
    const to = this.point(event);
    if (this.isDown) this.stroke(this.at, to);
    this.at = to;
    this.ring();
  }

  end() {
    if (!this.isDown) return;
    this.isDown = false;
    this.send();
  }

  stroke(from, to) {
    const { context } = this;
    context.globalCompositeOperation = this.erases ? 'destination-out' : 'source-over';
    Object.assign(context, { lineWidth: this.size, lineCap: 'round', lineJoin: 'round', strokeStyle: '#5b78ff' });
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.lineTo(to.x + 0.01, to.y);
    context.stroke();
  }

  /** Shows where the brush is and how large. */
  ring() {
    const { width } = this.canvas.getBoundingClientRect();
    const scale = width / this.canvas.width;
    const radius = (this.size * scale) / 2;
    Object.assign(this.brush.style, { left: `${this.at.x * scale - radius}px`, top: `${this.at.y * scale - radius}px`, width: `${2 * radius}px`, height: `${2 * radius}px` });
    this.brush.hidden = false;
  }

  key(event) {
    const step = this.canvas.width / (event.shiftKey ? 8 : 32);
    const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    const before = { ...this.at };
    if (moves[event.key]) {
      this.at.x = Math.min(this.canvas.width, Math.max(0, this.at.x + moves[event.key][0]));
      this.at.y = Math.min(this.canvas.height, Math.max(0, this.at.y + moves[event.key][1]));
      if (event.altKey) this.dab(before);
    } else if (event.key === ' ' || event.key === 'Enter') this.dab(this.at);
    else if (event.key === '[' || event.key === ']') this.resize(event.key === ']' ? 8 : -8);
    else if (event.key.toLowerCase() === 'e') this.box.querySelector(`[data-mask-tool="${this.erases ? 'paint' : 'erase'}"]`).click();
    else if (event.key.toLowerCase() === 'z' && (event.ctrlKey || event.metaKey)) this.undo();
    else return;
    event.preventDefault();
    event.stopPropagation();
    this.ring();
  }

  dab(from) {
    this.remember();
    this.stroke(from, this.at);
    this.send();
  }

  resize(by) {
    const input = this.box.querySelector('[data-mask-size]');
    input.value = Number(input.value) + by;
  }

  undo() {
    const before = this.undone.pop();
    if (before) this.context.putImageData(before, 0, 0);
    this.send();
  }

  clear() {
    this.remember();
    this.context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    this.send();
  }

  invert() {
    this.remember();
    this.context.globalCompositeOperation = 'xor';
    this.context.fillStyle = '#5b78ff';
    this.context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    this.send();
  }

  /** Puts the mask into the form, white on black; nothing where nothing is painted. */
  send() {
    const { width, height } = this.canvas;
    const pixels = this.context.getImageData(0, 0, width, height);
    let painted = 0;
    for (let at = 3; at < pixels.data.length; at += 4) {
      const shade = pixels.data[at] > 127 ? 255 : 0;
      if (shade) painted += 1;
      pixels.data.fill(shade, at - 3, at);
      pixels.data[at] = 255;
    }
    this.box.dataset.painted = painted ? String(Math.max(1, Math.round((100 * painted) / (width * height)))) : '';
    this.box.querySelector('[data-mask-tool="undo"]').disabled = !this.undone.length;
    const sheet = new OffscreenCanvas(width, height);
    sheet.getContext('2d').putImageData(pixels, 0, 0);
    const carrier = new DataTransfer();
    if (!painted) {
      this.input.files = carrier.files;
      return;
    }
    this.saving = sheet.convertToBlob({ type: 'image/png' }).then((blob) => {
      carrier.items.add(new File([blob], 'mask.png', { type: 'image/png' }));
      this.input.files = carrier.files;
    });
  }
}

const masks = new WeakMap();
const maskOf = (element) => masks.get(element.closest('[data-mask-editor]'));
each('[data-mask-editor]', (box) => masks.set(box, new Mask(box)));
on('click', '[data-mask-tool]', (button) => {
  const mask = maskOf(button);
  const tool = button.dataset.maskTool;
  if (tool === 'undo' || tool === 'clear' || tool === 'invert') mask[tool]();
  else for (const each of mask.box.querySelectorAll('[aria-pressed][data-mask-tool]')) each.setAttribute('aria-pressed', String(each === button));
});
