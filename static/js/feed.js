// [data-load-more]: the feed goes on by itself; [data-new-above]: what came since; Back finds the same place;
// [data-place]: the address of the page in view; [data-impressions]: what was before somebody's eyes.
import { each, on, parse, request, words } from './dom.js';
import { toast } from './toast.js';

const AHEAD = '1200px';
const POLL_MS = 60_000;
const MOST_KEPT = 2_000_000; // characters in sessionStorage
const feed = () => document.querySelector('[data-feed]');
const pager = () => document.querySelector('[data-pager]');
const place = () => `feed:${location.pathname}${location.search}`;

/** Append the next page's cards; the pager of the answer takes the old one's place. */
async function more(link) {
  const bar = link.closest('[data-pager]');
  if (bar.dataset.loading) return;
  bar.dataset.loading = 'yes';
  try {
    const answer = await request(link.href);
    if (!answer.ok) throw new Error(String(answer.status));
    const page = parse(await answer.text());
    const known = new Set([...feed().querySelectorAll('[data-post]')].map((card) => card.dataset.post));
    const cards = [...(page.querySelector('[data-feed]') ?? page.body).children].filter(
      (card) => card.matches('.card, .masonry__full, .thumb') && !known.has(card.dataset.post),
    );
    feed().append(...cards);
    for (const card of cards) window.htmx?.process(card);
    const status = document.querySelector('[data-feed-status]');
    if (status) status.textContent = status.dataset.words.replace('%n', cards.length);
    const next = page.querySelector('[data-pager]');
    if (next) bar.replaceWith(next);
    else bar.remove();
  } catch {
    bar.dataset.failed = 'yes';
    toast(words('nomore', 'The next page did not load. Press the button to try again.'), 'error');
  } finally {
    delete bar.dataset.loading;
  }
}

restore();
on('click', '[data-load-more]', (link, event) => {
  if (!feed() || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  delete link.closest('[data-pager]').dataset.failed;
  more(link);
});
const near = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    const { failed, waits } = target.closest('[data-pager]')?.dataset ?? {};
    if (isIntersecting && feed() && !failed && waits === undefined) more(target);
  }
}, { rootMargin: `1000000px 0px ${AHEAD} 0px` }); // also when it was jumped past
each('[data-load-more]', (link) => near.observe(link));

/** Everything loaded is kept while the tab lives, so that Back shows the same cards at the same height. */
function keep() {
  if (!feed()) return;
  const kept = JSON.stringify({ cards: feed().innerHTML, pager: pager()?.outerHTML ?? '', y: scrollY });
  if (kept.length > MOST_KEPT) return;
  try {
    sessionStorage.setItem(place(), kept);
  } catch {
    sessionStorage.clear(); // full: this place is lost, the next one fits
  }
}

function restore() {
  const [visit] = performance.getEntriesByType('navigation');
  const kept = sessionStorage.getItem(place());
  if (visit?.type !== 'back_forward' || !kept || !feed()) return;
  const { cards, pager: bar, y } = JSON.parse(kept);
  history.scrollRestoration = 'manual';
  feed().innerHTML = cards;
  window.htmx?.process(feed());
  if (pager() && bar) pager().outerHTML = bar;
  else pager()?.remove();
  scrollTo({ top: y, behavior: 'instant' });
}
window.addEventListener('pagehide', keep);

each('[data-new-above]', (element) => {
  setInterval(async () => {
    if (document.hidden || !element.isConnected) return;
    const answer = await request(element.dataset.newAbove).catch(() => null);
    if (answer?.status !== 200) return;
    element.innerHTML = await answer.text();
  }, POLL_MS);
});

/** The address bar, and the link to copy, name the page that is in view; the top is the plain address. */
const above = new IntersectionObserver((entries) => {
  for (const { isIntersecting, boundingClientRect, target } of entries) {
    const isPassed = boundingClientRect.top < innerHeight;
    if (isIntersecting || !isPassed) show(isPassed ? target : before(target));
  }
}, { rootMargin: '0px 0px -40% 0px' });
const places = () => [...document.querySelectorAll('[data-place]')];
const before = (card) => places()[places().indexOf(card) - 1];
const start = `${location.pathname}${location.search}`;
const button = () => document.querySelector('[data-copy-place]');
const startLink = button()?.dataset.copyText;

function show(card) {
  const address = card ? card.dataset.place : start;
  if (!feed() || address === `${location.pathname}${location.search}`) return;
  history.replaceState(history.state, '', address);
  if (button()) button().dataset.copyText = card ? `${location.origin}${address}` : startLink;
}
each('[data-place]', (card) => above.observe(card));

// A card that is at least half visible for a second counts once; they are sent in batches.
const SECOND = 1000, SEND_MS = 5000, AT_ONCE = 60;
const counted = new Set(), waiting = new Set(), timers = new Map();
const looked = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    const id = target.dataset.post;
    clearTimeout(timers.get(id));
    if (isIntersecting && !counted.has(id)) timers.set(id, setTimeout(() => { counted.add(id); waiting.add(id); }, SECOND));
  }
}, { threshold: 0.5 });
each('[data-impressions] [data-post]', (card) => looked.observe(card));

function sendImpressions() {
  const url = document.querySelector('[data-impressions]')?.dataset.impressions;
  if (!url || !waiting.size) return;
  const ids = [...waiting].slice(0, AT_ONCE);
  for (const id of ids) waiting.delete(id);
  const body = new URLSearchParams(ids.map((id) => ['post', id]));
  request(url, { method: 'POST', body, keepalive: true }).catch(() => {}); // a lost batch is a lost estimate
}
if (document.querySelector('[data-impressions]')) setInterval(sendImpressions, SEND_MS);
window.addEventListener('pagehide', sendImpressions);
