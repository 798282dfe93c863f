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
// A move that the browser gives up is no fault: the next page is shown at once.
const forgive = (move) => {
  for (const step of [move?.ready, move?.updateCallbackDone, move?.finished]) step?.catch(() => {});
};
window.addEventListener('pageswap', (event) => forgive(event.viewTransition));
window.addEventListener('pagereveal', (event) => {
  forgive(event.viewTransition);
  if (!event.viewTransition || document.querySelector('.stage__image')) return;
  const from = window.navigation?.activation?.from?.url;
  const link = from && [...document.querySelectorAll('.card__picture')].find((card) => card.href === from);
  name(link?.querySelector('.card__image'));
  event.viewTransition.finished.finally(() => name(null)).catch(() => {});
});
