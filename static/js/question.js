// [data-ask-url] fetches one question; form[data-question] is answered by a button or its key, without leaving the page.
import { each, parse, replace, request, words } from './dom.js';
import { toast } from './toast.js';

each('[data-ask-url]', async (box) => {
  const answer = await request(box.dataset.askUrl).catch(() => null);
  if (answer?.status !== 200) return;
  const nodes = [...parse(await answer.text()).body.children].map((node) => document.adoptNode(node));
  box.replaceChildren(...nodes);
});

// Thanks are said, not kept.
const THANKS_MS = 5000;
each('.asking .question--thanks', (line) => setTimeout(() => line.remove(), THANKS_MS));

/** Reports what happened to the ask: "shown", or "not_rendered" if the page was left first. */
export function report(form, event) {
  if (!form.dataset.reportUrl) return;
  const data = new FormData(form);
  data.set('event', event);
  request(form.dataset.reportUrl, { method: 'POST', body: data, keepalive: true }).catch(() => null);
}

/** Keys work only while the form is visible: otherwise its buttons have none. */
function bindKeys(form, isSeen) {
  const [from, to] = isSeen ? ['keyWhenSeen', 'key'] : ['key', 'keyWhenSeen'];
  for (const button of form.querySelectorAll('button')) {
    if (button.dataset[from] === undefined) continue;
    button.dataset[to] = button.dataset[from];
    delete button.dataset[from];
  }
}

/** Shows the server's message: in place of the question if there is nothing left to answer, else as a toast. */
async function showRefusal(form, answer) {
  const message = answer && parse(await answer.text()).querySelector('.question--thanks');
  if (message && [404, 409].includes(answer.status)) form.replaceWith(document.adoptNode(message));
  else toast(message?.textContent || words('noanswer', 'Your answer was not saved. Try again, or skip.'), 'error');
}

each('form[data-question]', (form) => {
  let shownAt = null, isSeen = false;
  const pictures = [...form.querySelectorAll('img')], steps = [...form.querySelectorAll('button[name="value"]')];
  const show = () => {
    if (!isSeen || shownAt !== null || steps.some((button) => button.disabled)) return;
    shownAt = performance.now();
    report(form, 'shown');
  };
  bindKeys(form, false);
  const seen = new IntersectionObserver(([entry]) => {
    isSeen = entry.isIntersecting;
    bindKeys(form, isSeen);
    show();
  }, { threshold: 0.5 });
  seen.observe(form);
  if (pictures.length) { // a picture inside the form is what it asks about: no answer before it is there
    for (const button of steps) button.disabled = true;
    Promise.all(pictures.map((picture) => picture.decode())).then(() => {
      for (const button of steps) button.disabled = false;
      show();
    }, () => toast(words('nopicture', 'A picture did not load. Skip this pair, or reload the page.'), 'error'));
  }
  window.addEventListener('pagehide', () => {
    if (shownAt === null && form.isConnected) report(form, 'not_rendered');
  }, { once: true });

  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (form.elements.dwell_ms && shownAt !== null) form.elements.dwell_ms.value = Math.round(performance.now() - shownAt);
    const data = new FormData(form, event.submitter);
    const buttons = [...form.querySelectorAll('button')];
    for (const button of buttons) button.disabled = true;
    const answer = await request(form.getAttribute('action') || location.href, { method: 'POST', body: data }).catch(() => null);
    seen.disconnect();
    if (answer?.ok) {
      replace(form, await answer.text());
      return;
    }
    for (const button of buttons) button.disabled = false;
    seen.observe(form);
    await showRefusal(form, answer);
  });
});

document.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape' || document.querySelector('dialog[open], details[data-menu][open]')) return;
  document.querySelector('form[data-question] [data-key="x"]:enabled')?.click();
});
