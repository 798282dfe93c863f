// [data-ask-url] fetches one question; form[data-question] is answered by a button or its key, without leaving the page.
import { each, parse, replace, request, words } from './dom.js';
import { toast } from './toast.js';

each('[data-ask-url]', async (box) => {
  const answer = await request(box.dataset.askUrl).catch(() => null);
  if (answer?.status !== 200) return;
  const nodes = [...parse(await answer.text()).body.children].map((node) => document.adoptNode(node));
  box.replaceChildren(...nodes);
});

/** Tell the ledger what happened to the ask: "shown", or "not_rendered" when the page went first. */
function report(form, event) {
  const data = new FormData(form);
  data.set('event', event);
  request(form.dataset.reportUrl, { method: 'POST', body: data, keepalive: true }).catch(() => null);
}

each('form[data-question]', (form) => {
  let shownAt = null;
  const seen = new IntersectionObserver(([entry]) => {
    if (!entry.isIntersecting) return;
    seen.disconnect();
    shownAt = performance.now();
    if (form.dataset.reportUrl) report(form, 'shown');
  }, { threshold: 0.5 });
  seen.observe(form);
  window.addEventListener('pagehide', () => {
    if (shownAt === null && form.isConnected && form.dataset.reportUrl) report(form, 'not_rendered');
  }, { once: true });

  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (form.elements.dwell_ms && shownAt !== null) form.elements.dwell_ms.value = Math.round(performance.now() - shownAt);
    const data = new FormData(form, event.submitter);
    const buttons = [...form.querySelectorAll('button')];
    for (const button of buttons) button.disabled = true;
    const answer = await request(form.getAttribute('action') || location.href, { method: 'POST', body: data }).catch(() => null);
    if (answer?.ok) {
      replace(form, await answer.text());
      return;
    }
    for (const button of buttons) button.disabled = false;
    toast(words('noanswer', 'Your answer was not saved. Try again, or skip.'), 'error');
  });
});

document.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape' || document.querySelector('dialog[open], details[data-menu][open]')) return;
  document.querySelector('form[data-question] [data-key="x"]:enabled')?.click();
});
