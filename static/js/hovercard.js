// A member's name that the mouse rests on shows who it is: <their page>card/, asked for once. Escape closes it.
import { parse } from './dom.js';

const REST_MS = 400, LEAVE_MS = 200, GAP = 6, EDGE = 8;
const NAMES = ':is(.card__author, .byline, .comment__head > a)[href^="/@"]';
const kept = new Map();
let card = null, link = null, timer = 0;

function close() {
  clearTimeout(timer);
  card?.remove();
  card = link = null;
}

async function cardOf(name) {
  const url = new URL('card/', name.href).href;
  if (!kept.has(url)) {
    const answer = await fetch(url, { credentials: 'same-origin' }).catch(() => null);
    kept.set(url, answer?.ok ? await answer.text() : '');
  }
  return parse(kept.get(url)).querySelector('.membercard');
}

function place(name) {
  const at = name.getBoundingClientRect();
  const below = at.bottom + GAP + card.offsetHeight < innerHeight;
  card.style.top = `${below ? at.bottom + GAP : Math.max(EDGE, at.top - GAP - card.offsetHeight)}px`;
  card.style.left = `${Math.max(EDGE, Math.min(at.left, innerWidth - card.offsetWidth - EDGE))}px`;
}

async function open(name) {
  const found = await cardOf(name);
  if (link !== name || !found || !name.isConnected) return;
  card?.remove();
  card = document.adoptNode(found);
  document.body.append(card);
  window.htmx?.process(card);
  card.addEventListener('submit', () => kept.clear());
  place(name);
}

document.addEventListener('pointerover', (event) => {
  if (event.pointerType !== 'mouse') return;
  const name = event.target.closest?.(NAMES);
  if (name?.closest('.membercard') || event.target.closest?.('.membercard')) {
    clearTimeout(timer);
  } else if (name && name !== link) {
    close();
    link = name;
    timer = setTimeout(open, REST_MS, name);
  } else if (name) {
    clearTimeout(timer);
    if (!card) timer = setTimeout(open, REST_MS, name);
  } else if (link) {
    clearTimeout(timer);
    timer = setTimeout(close, LEAVE_MS);
  }
});
document.addEventListener('keydown', (event) => { if (event.key === 'Escape') close(); });
document.addEventListener('scroll', close, { passive: true });
document.addEventListener('pointerdown', (event) => { if (!event.target.closest?.('.membercard')) close(); });
