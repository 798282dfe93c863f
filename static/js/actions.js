// What can be done with an item: its controls with a data-key, shown again elsewhere. [data-sheet] opens them as a sheet
// from below, as does a long press on a card.
import { each, on } from './dom.js';

const HELD_MS = 450;
const sheet = () => document.getElementById('sheet');

/** The controls of an item; `data-controls="#id"` names the element that holds them. */
export function controls(item) {
  const box = item.dataset.controls ? document.querySelector(item.dataset.controls) : item;
  return box ? [...box.querySelectorAll('[data-key]')].filter((control) => control.dataset.key !== 'Enter') : [];
}

/** Buttons that press the item's own controls, in `box`; `except` lists keys to leave out. */
export function mirror(item, box, { except = [], className = 'menu__item', done = () => {} } = {}) {
  const shown = controls(item).filter((control) => !except.includes(control.dataset.key));
  shown.sort((one, other) => (other.dataset.key === 'l') - (one.dataset.key === 'l')); // liking comes first
  box.replaceChildren(...shown.map((control) => {
    const button = document.createElement('button');
    const label = control.title || control.textContent.trim();
    Object.assign(button, { type: 'button', className, title: label });
    button.dataset.for = control.dataset.key;
    const icon = control.querySelector('.icon');
    if (icon) button.append(icon.cloneNode(true));
    if (className === 'menu__item') button.append(label);
    else button.setAttribute('aria-label', label);
    if (control.hasAttribute('aria-pressed')) button.setAttribute('aria-pressed', control.getAttribute('aria-pressed'));
    button.addEventListener('click', () => {
      done();
      controls(item).find((found) => found.dataset.key === button.dataset.for)?.click();
    });
    return button;
  }));
}

function openSheet(card) {
  if (!sheet()) return;
  sheet().querySelector('.sheet__title').textContent = card.getAttribute('aria-label');
  const list = sheet().querySelector('[data-actions]');
  mirror(card, list, { done: () => sheet().close() });
  const author = card.querySelector('a.card__author');
  if (author) {
    const link = document.createElement('a');
    Object.assign(link, { className: 'menu__item', href: author.href });
    const icon = list.querySelector('.icon').cloneNode(true), use = icon.querySelector('use');
    use.setAttribute('href', use.getAttribute('href').replace(/#.*/, '#user'));
    link.append(icon, author.textContent);
    list.append(link);
  }
  sheet().showModal();
}
on('click', '[data-sheet]', (button) => openSheet(button.closest('[data-item]')));

// A finger that rests on a picture opens the sheet; the tap that ends it opens nothing.
let held;
on('pointerdown', '.card__picture', (link, event) => {
  if (event.pointerType === 'mouse') return;
  held = setTimeout(() => {
    held = null;
    link.dataset.held = '';
    openSheet(link.closest('[data-item]'));
  }, HELD_MS);
});
for (const type of ['pointerup', 'pointercancel', 'pointermove']) {
  document.addEventListener(type, (event) => {
    if (type !== 'pointermove' || Math.hypot(event.movementX, event.movementY) > 6) clearTimeout(held);
  });
}
on('click', '.card__picture', (link, event) => {
  if (link.dataset.held === undefined) return;
  delete link.dataset.held;
  event.preventDefault();
});
on('contextmenu', '.card__picture', (link, event) => {
  if (event.pointerType === 'touch') event.preventDefault();
});

// One Tab stop a card: its picture. Its other controls have keys (j k l s c r v h), and m opens them all.
each('.card :is(a, button):not(.card__picture)', (control) => {
  control.tabIndex = -1;
});
