// What the forms of Compare's page have in common: an answer counts once the pictures are loaded, which is reported.
import { parse, replace, request, words } from './dom.js';
import { report } from './question.js';
import { toast } from './toast.js';

/** Says that nothing was saved, in the server's words where it gave some. */
export function sayUnsaved(message) {
  toast(message || words('noanswer', 'Your answer was not saved. Try again, or skip.'), 'error');
}

/**
 * Calls `onShown` once the pictures are loaded, and `onAnswer` with the response to a submit (null: none came). Returns
 * a function that lets the form be submitted again.
 *
 * @param {{pictures: HTMLImageElement[], onShown: () => void, onAnswer: (answer: Response | null) => void, fill?: () => void}} options
 *   `fill` writes what was chosen into the fields before they are sent.
 */
export function answerOnce(form, { pictures, onShown, onAnswer, fill = () => {} }) {
  let shownAt = null, isSent = false;
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (isSent) return;
    isSent = true;
    if (form.elements.dwell_ms && shownAt !== null) form.elements.dwell_ms.value = Math.round(performance.now() - shownAt);
    fill();
    const body = new FormData(form, event.submitter);
    onAnswer(await request(form.getAttribute('action'), { method: 'POST', body }).catch(() => null));
  });
  window.addEventListener('pagehide', () => {
    if (shownAt === null && form.isConnected && !isSent) report(form, 'not_rendered');
  }, { once: true });
  Promise.all(pictures.map((picture) => picture.decode())).then(() => {
    shownAt = performance.now();
    onShown();
    report(form, 'shown');
  }, () => toast(words('nopicture', 'A picture did not load. Skip this pair, or reload the page.'), 'error'));
  return () => { isSent = false; };
}

/** Puts what is asked next in the form's place, or says why the answer was refused and lets it be sent again. */
export async function goOn(form, answer, sendAgain) {
  if (answer?.ok) {
    const [next] = replace(form, await answer.text());
    next?.querySelector('.compare__buttons button:enabled, a')?.focus({ preventScroll: true });
    return;
  }
  sendAgain();
  sayUnsaved(answer && parse(await answer.text()).querySelector('.notice p')?.textContent);
}
