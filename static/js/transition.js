// From a card to its post the picture grows into its place, and back (View Transitions between pages; see base.css).
import { on } from './dom.js';

const NAME = 'picture';
const named = () => document.querySelectorAll('.card__image[data-moves]');

function name(image) {
  for (const other of named()) {
    delete other.dataset.moves;
    other.style.viewTransitionName = '';
  }
  if (!image) return;
  image.dataset.moves = '';
  image.style.viewTransitionName = NAME;
}

on('click', '.card__picture', (link) => name(link.querySelector('.card__image')));
window.addEventListener('pagereveal', (event) => {
  if (!event.viewTransition || document.querySelector('.stage__image')) return;
  const from = window.navigation?.activation?.from?.url;
  const link = from && [...document.querySelectorAll('.card__picture')].find((card) => card.href === from);
  name(link?.querySelector('.card__image'));
  event.viewTransition.finished.finally(() => name(null));
});
