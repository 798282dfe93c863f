// Small helpers shared by the modules.

/** Run `start(element)` once for every element matching `selector`, now and when one is added later. */
export function each(selector, start) {
  const started = new WeakSet();
  const visit = (root) => {
    const found = root.matches?.(selector) ? [root] : [];
    for (const element of [...found, ...root.querySelectorAll(selector)]) {
      if (started.has(element)) continue;
      started.add(element);
      start(element);
    }
  };
  visit(document);
  new MutationObserver((records) => {
    for (const record of records) for (const node of record.addedNodes) if (node.nodeType === 1) visit(node);
  }).observe(document.documentElement, { childList: true, subtree: true });
}

/** Call `listener(element, event)` for an event on anything inside an element matching `selector`. */
export function on(type, selector, listener, options) {
  document.addEventListener(type, (event) => {
    const element = event.target.closest?.(selector);
    if (element) listener(element, event);
  }, options);
}

/** A same-origin request as htmx would make it, with the CSRF token of the page. */
export function request(url, options = {}) {
  const headers = { 'HX-Request': 'true', ...JSON.parse(document.body.getAttribute('hx-headers') || '{}') };
  return fetch(url, { credentials: 'same-origin', ...options, headers: { ...headers, ...options.headers } });
}

/** The elements of an HTML answer, full page or fragment. */
export function parse(html) {
  return new DOMParser().parseFromString(html, 'text/html');
}

/** Put HTML in the place of `element`, let htmx see it, and return what came. */
export function replace(element, html) {
  const nodes = [...parse(html).body.children].filter((node) => !node.hasAttribute('hx-swap-oob')).map((node) => document.adoptNode(node));
  element.replaceWith(...nodes);
  for (const node of nodes) window.htmx?.process(node);
  return nodes;
}

/** Let the page hear what an answer triggers (HX-Trigger), as after a request of htmx. */
export function trigger(answer) {
  for (const [name, detail] of Object.entries(JSON.parse(answer.headers.get('HX-Trigger') || '{}'))) {
    document.body.dispatchEvent(new CustomEvent(name, { bubbles: true, detail }));
  }
}

/** Show these pictures ([data-image]) as the server has them now; one that is gone there goes here. */
export async function refresh(images) {
  const boxOf = (id) => document.querySelector(`[data-image="${CSS.escape(id)}"]`);
  const shownBy = (box) => box.closest('[data-shown-by]')?.dataset.shownBy ?? location.href;
  for (const url of new Set(images.map(boxOf).filter(Boolean).map(shownBy))) {
    const answer = await fetch(url, { credentials: 'same-origin' }).catch(() => null);
    if (!answer?.ok) continue;
    const page = parse(await answer.text());
    for (const id of images) {
      const box = boxOf(id); // looked for now: another refresh may have replaced it meanwhile
      if (!box || shownBy(box) !== url || box.querySelector('.htmx-request')) continue;
      const now = page.querySelector(`[data-image="${CSS.escape(id)}"]`);
      if (!now) box.remove();
      else replace(box, now.outerHTML);
    }
  }
}

/** Let a screen reader say a sentence. */
export function speak(sentence) {
  const line = document.getElementById('spoken');
  if (line) line.textContent = sentence ?? '';
}

/** Text that is written in the page's language by the template, as data-words on the body's <template>. */
export function words(name, fallback) {
  return document.getElementById('words')?.content.querySelector(`[data-word="${name}"]`)?.textContent ?? fallback;
}
