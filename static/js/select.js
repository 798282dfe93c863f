// My pictures: [data-select-mode] shows a box on each picture and a bar for those that are ticked; Escape ends it.
import { each, on } from './dom.js';

const bar = document.getElementById('several');
const opener = document.querySelector('[data-select-mode]');
const boxes = () => [...document.querySelectorAll('input[form="several"][name="image"]')];

function count() {
  const n = boxes().filter((box) => box.checked).length;
  const line = bar.querySelector('[data-selected]');
  const { none, one, many } = line.dataset;
  line.textContent = n === 0 ? none : n === 1 ? one : many.replace('{n}', n);
  for (const button of bar.querySelectorAll('button[name="do"]')) button.disabled = n === 0;
}

function select(isOn) {
  document.body.classList.toggle('selecting', isOn);
  opener.setAttribute('aria-pressed', String(isOn));
  if (!isOn) for (const box of boxes()) box.checked = false;
  count();
}

if (bar && opener) {
  opener.addEventListener('click', () => select(opener.getAttribute('aria-pressed') !== 'true'));
  on('click', '[data-select-mode-end]', () => {
    select(false);
    opener.focus();
  });
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && document.body.classList.contains('selecting') && !document.querySelector('dialog[open]')) select(false);
  });
  on('change', 'input[form="several"]', count);
  // While pictures are selected, a click on one ticks it.
  on('click', '.selecting .made__picture', (link, event) => {
    const box = link.closest('.made').querySelector('input[form="several"]');
    if (!box) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    box.checked = !box.checked;
    count();
  }, true);
  document.addEventListener('pictures-changed', () => select(false));
  each('input[form="several"]', () => count());
}
