// data-key="x" on a button, link or checkbox; data-key-item marks what j and k move between; ? shows the card.

const current = () => document.querySelector('[data-key-item][aria-current="true"]');

/** The current one, or the only one of the page. */
function item() {
  const items = document.querySelectorAll('[data-key-item]');
  return current() ?? document.activeElement?.closest?.('[data-key-item]') ?? (items.length === 1 ? items[0] : null);
}

function isTyping(target) {
  const choosing = target.matches?.('input[type="checkbox"], input[type="radio"], input[type="button"], input[type="submit"]');
  return target.isContentEditable || (!choosing && target.matches?.('input, textarea, select'));
}

/** Pictures move with j and k: the focus goes to the item's first link, so that Enter and Tab go on from there. */
function move(by) {
  const items = [...document.querySelectorAll('[data-key-item]')];
  if (!items.length) return;
  const at = items.indexOf(current());
  const next = at < 0 ? items.find((item) => item.getBoundingClientRect().bottom > 120) ?? items[0] : items[at + by];
  if (!next) return;
  current()?.removeAttribute('aria-current');
  next.setAttribute('aria-current', 'true');
  next.querySelector('a, button')?.focus({ preventScroll: true });
  next.scrollIntoView({ block: 'nearest' });
}

/** The key of a Latin keyboard without Caps Lock: where a layout writes other letters, what lies in its place. */
function latin({ key, code, shiftKey }) {
  if (key.length !== 1 || key.charCodeAt(0) < 128) return key.length === 1 ? key.toLowerCase() : key;
  const found = /^(?:Key|Digit|Numpad)([A-Z0-9])$/.exec(code);
  if (found) return found[1].toLowerCase();
  return code === 'Slash' && shiftKey ? '?' : key;
}

/** What a card does not show on a phone is still its control. */
const usable = (element) => !element.disabled && (element.getClientRects().length > 0 || element.closest('.card__actions, .post__actions'));

/** The control a key stands for: in the current item (or the only one) first, else the first on the page outside items. */
function control(key) {
  const selector = `[data-key="${CSS.escape(key)}"]`;
  const within = item() ? [...item().querySelectorAll(selector)] : [];
  const outside = [...document.querySelectorAll(selector)].filter((element) => !element.closest('[data-key-item]'));
  return [...within, ...outside].find(usable);
}

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || document.querySelector('dialog[open]')) return;
  const key = latin(event);
  if (key === '?') document.getElementById('keys')?.showModal();
  else if (key === '/') document.getElementById('palette')?.showModal();
  else if (key === 'j' && document.querySelector('[data-key-item]')) move(1);
  else if (key === 'k' && document.querySelector('[data-key-item]')) move(-1);
  else if (key === 'm' && item()?.querySelector('[data-sheet]')) item().querySelector('[data-sheet]').click();
  else {
    const found = key === 'Enter' || event.repeat ? null : control(key);
    if (!found) return;
    event.preventDefault();
    found.click();
    return;
  }
  event.preventDefault();
});

document.addEventListener('focusin', (event) => {
  const item = event.target.closest?.('[data-key-item]');
  if (item !== current()) current()?.removeAttribute('aria-current');
});
