// [data-look] opens the picture of its [data-item] in the lightbox; arrows, swipes and buttons go on to its neighbours.
import { controls, mirror } from './actions.js';
import { on } from './dom.js';
import { zoomable } from './zoom.js';

const dialog = document.getElementById('lightbox');
const part = (selector) => dialog.querySelector(selector);
const LARGEST = 4; // times its own size, before anybody zooms
let item = null, zoom = null;

/** Everything in the same list that can be looked at, in its order. */
function neighbours() {
  const list = item.closest('[data-items], [data-feed]') ?? document.querySelector('main');
  return [...list.querySelectorAll('[data-item]')].filter((other) => other.querySelector('[data-look], img[srcset]'));
}

const imageOf = (one) => one.querySelector('img[srcset]') ?? one.querySelector('img:not([aria-hidden])');

function show(next) {
  item = next;
  const source = imageOf(item), image = part('.lightbox__image');
  const [width, height] = [Number(item.dataset.width || source.getAttribute('width')), Number(item.dataset.height || source.getAttribute('height'))];
  zoom.reset();
  image.removeAttribute('srcset');
  image.src = source.currentSrc || source.src;
  image.sizes = '100vw';
  image.srcset = source.srcset;
  image.alt = source.alt;
  const enlarged = source.classList.contains('stage__image') ? 1 : LARGEST; // the stage's numbers are enlarged already
  image.style.setProperty('--width', `${width * enlarged}px`);
  image.style.setProperty('--height', `${height * enlarged}px`);
  image.style.setProperty('--ratio', width / height);
  part('[data-caption]').textContent = source.alt;
  const all = neighbours(), at = all.indexOf(item);
  part('[data-count]').textContent = all.length > 1 ? `${at + 1} / ${all.length}` : '';
  part('[data-do="previous"]').disabled = at <= 0;
  part('[data-do="next"]').disabled = at >= all.length - 1;
  refresh();
  const ahead = all[at + 1] && imageOf(all[at + 1]);
  if (ahead) ahead.loading = 'eager';
}

function refresh() {
  const box = part('[data-actions]');
  mirror(item, box, { except: ['v', 'h'], className: 'icon-button', done: () => requestAnimationFrame(refresh) });
  const link = item.querySelector('a[href]');
  if (!controls(item).length && link) box.append(Object.assign(document.createElement('a'), { className: 'button', href: link.href, textContent: link.title || '→' }));
}

function go(by) {
  const all = neighbours(), next = all[all.indexOf(item) + by];
  if (!next) return;
  show(next);
  next.scrollIntoView({ block: 'nearest' }); // so that a feed goes on by itself, and closing finds the picture
}

const actions = {
  next: () => go(1),
  previous: () => go(-1),
  close: () => dialog.close(),
  zoomIn: () => zoom.zoomBy(zoom.STEP),
  zoomOut: () => zoom.zoomBy(1 / zoom.STEP),
  reset: () => zoom.reset(),
  fullscreen: () => (document.fullscreenElement ? document.exitFullscreen() : dialog.requestFullscreen?.().catch(() => {})),
};
const KEYS = { ArrowRight: 'next', ArrowLeft: 'previous', j: 'next', k: 'previous', '+': 'zoomIn', '=': 'zoomIn', '-': 'zoomOut', 0: 'reset', f: 'fullscreen', v: 'close' };

if (dialog) {
  zoom = zoomable(part('[data-stage]'), part('.lightbox__image'), { next: actions.next, previous: actions.previous, down: actions.close });
  on('click', '[data-look]', (opener, event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || dialog.open) return;
    event.preventDefault();
    show(opener.closest('[data-item]'));
    dialog.showModal();
    history.pushState({ ...history.state, isLookedAt: true }, '');
  });
  dialog.addEventListener('click', (event) => {
    const button = event.target.closest('[data-do]');
    if (button) actions[button.dataset.do]();
  });
  dialog.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const action = KEYS[event.key];
    const control = action ? null : part(`[data-for="${CSS.escape(event.key)}"]`);
    if (!action && !control) return;
    event.preventDefault();
    if (action) actions[action]();
    else control.click();
  });
  dialog.addEventListener('close', () => {
    if (document.fullscreenElement) document.exitFullscreen();
    if (history.state?.isLookedAt) history.back();
    (item.querySelector('a[data-look], .card__picture') ?? item.querySelector('a, button'))?.focus({ preventScroll: true });
  });
  window.addEventListener('popstate', () => {
    if (dialog.open && !history.state?.isLookedAt) dialog.close();
  });
  document.addEventListener('htmx:afterSwap', () => {
    if (dialog.open) refresh();
  });
}
