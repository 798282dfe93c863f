// [data-events-url]: server-sent events of a generation update the progress bars, previews and states inside it.
import { each, replace, request, speak } from './dom.js';

const part = (root, image, selector) =>
  [...root.querySelectorAll(image ? `[data-image="${CSS.escape(image)}"]` : '[data-image]')].map((box) => box.querySelector(selector)).filter(Boolean);

function minutes(seconds) {
  const relative = new Intl.NumberFormat(document.documentElement.lang, { style: 'unit', unit: seconds < 90 ? 'second' : 'minute', unitDisplay: 'long' });
  return `≈ ${relative.format(seconds < 90 ? Math.max(1, Math.round(seconds)) : Math.round(seconds / 60))}`;
}

const handlers = {
  queue(root, { place, eta_s: eta }) {
    const line = root.querySelector('[data-queue]');
    if (line) {
      line.hidden = !place;
      line.querySelector('[data-queue-place]').textContent = place ?? '';
    }
    const wait = root.querySelector('[data-queue-eta]');
    if (wait) wait.textContent = eta == null ? '' : minutes(eta);
  },
  step(root, { image, step, of }) {
    for (const bar of part(root, image, '[data-progress]')) {
      bar.hidden = false;
      bar.max = of;
      bar.value = step;
    }
    for (const text of part(root, image, '[data-state]')) text.textContent = `${step} / ${of}`;
    const line = root.querySelector('[data-queue]');
    if (line) line.hidden = true;
  },
  preview(root, { image, webp }) {
    for (const picture of part(root, image, 'img[data-preview]')) {
      picture.src = webp;
      picture.hidden = false;
    }
  },
  image(root, { image, state, url, message }) {
    if (url) handlers.preview(root, { image, webp: url });
    for (const text of part(root, image, '[data-state]')) text.textContent = message ?? state;
    for (const bar of part(root, image, '[data-progress]')) bar.hidden = state !== 'queued' && state !== 'leased';
  },
};

async function finish(root) {
  if (!root.dataset.resultUrl) {
    location.reload();
    return;
  }
  const answer = await request(root.dataset.resultUrl).catch(() => null);
  if (!answer?.ok || !root.isConnected) {
    if (root.isConnected) location.reload();
    return;
  }
  const [result] = replace(root, await answer.text());
  speak(result.dataset.sentence);
}

each('[data-events-url]', (root) => {
  const source = new EventSource(root.dataset.eventsUrl);
  for (const [name, handle] of Object.entries(handlers)) {
    source.addEventListener(name, (event) => handle(root, JSON.parse(event.data)));
  }
  const gone = new MutationObserver(() => {
    if (root.isConnected) return;
    source.close();
    gone.disconnect();
  });
  gone.observe(document.documentElement, { childList: true, subtree: true });
  source.addEventListener('done', () => {
    source.close();
    finish(root);
  });
  window.addEventListener('pagehide', () => source.close(), { once: true });
});
