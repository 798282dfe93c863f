// [data-draft]: a picture of a few steps while one types, always with the same seed, so that what was seen is what
// “Finish” draws to its end. The server drops a draft that waits when the next is asked for.
import { on } from '../dom.js';

const PAUSE = 900; // milliseconds without a key
const form = () => document.getElementById('create-form');
const toggle = () => document.querySelector('[data-draft]');
let timer = null;
let seed = null;
let drawn = '';

function key() {
  return `draft-${Date.now()}-${Math.floor(performance.now() * 1000)}`;
}

function draw() {
  const prompt = form()?.elements.prompt.value.trim();
  if (!toggle()?.checked || !prompt || prompt === drawn) return;
  drawn = prompt;
  seed ??= String(crypto.getRandomValues(new Uint32Array(1))[0] >>> 1);
  const values = { is_draft: 'on', count: '1', seed: form().elements.seed.value || seed, idempotency_key: key() };
  window.htmx.ajax('POST', form().action, { source: form(), target: '#draft', swap: 'innerHTML', values });
}

function wait() {
  clearTimeout(timer);
  timer = setTimeout(draw, PAUSE);
}

on('input', '#id_prompt', wait);
on('change', '#id_prompt', wait);
on('change', '[data-draft]', () => {
  drawn = '';
  localStorage.setItem('draft', toggle().checked ? 'yes' : '');
  if (!toggle().checked) document.getElementById('draft').replaceChildren();
  draw();
});
on('change', '#create-form :is([name="style"], [name="size"], [name="seed"], #id_checkpoint)', () => {
  drawn = '';
  wait();
});
if (toggle() && localStorage.getItem('draft') === 'yes') toggle().checked = true;
