// form[data-compare]: a side can be chosen once both pictures are loaded, which is also reported to the server. The
// answer shows what the pictures were under them, and the next pair, fetched meanwhile, comes by itself or by a key.
import { answerOnce, sayUnsaved } from './asked.js';
import { each, parse, replace, request } from './dom.js';

const SHOWN_MS = 2200, STAYS = 'compare-stays';
const goesOn = () => localStorage.getItem(STAYS) === null;

/** The next pair with its pictures loaded, as an element; null where it did not come. */
async function fetchNext(form) {
  const answer = await request(form.dataset.next).catch(() => null);
  if (!answer?.ok) return null;
  const next = document.adoptNode(parse(await answer.text()).body.firstElementChild);
  await Promise.all([...next.querySelectorAll('.compare__side img')].map((picture) => picture.decode().catch(() => null)));
  return next;
}

function put(form, next) {
  if (!next) {
    location.assign(form.dataset.next);
    return;
  }
  form.replaceWith(next);
  next.querySelector('.compare__buttons button, a')?.focus({ preventScroll: true });
}

/** Shows the models under the pictures until somebody goes on, or for a while. */
function reveal(form, answer) {
  form.dataset.answered = '';
  const cells = [...form.querySelectorAll('.compare__cell')];
  [...answer.querySelectorAll('[data-caption]')].forEach((caption, number) => {
    cells[number].append(caption);
    if (caption.dataset.preferred !== undefined) cells[number].dataset.preferred = '';
  });
  form.querySelector('.compare__buttons').replaceWith(answer.querySelector('[data-buttons]'));
  form.append(answer.querySelector('[data-summary]'));
  for (const side of form.querySelectorAll('.compare__side')) side.disabled = true;
  const next = fetchNext(form), auto = form.querySelector('[data-auto]'), link = form.querySelector('[data-go-on]');
  let timer = null, isLeft = false;
  const leave = async () => {
    if (isLeft) return;
    isLeft = true;
    clearTimeout(timer);
    const waiting = document.createElement('div');
    waiting.dataset.next = form.dataset.next;
    form.replaceWith(waiting);
    put(waiting, await next);
  };
  const start = () => {
    timer = setTimeout(leave, SHOWN_MS);
  };
  auto.checked = goesOn();
  auto.addEventListener('change', () => {
    clearTimeout(timer);
    if (auto.checked) {
      localStorage.removeItem(STAYS);
      start();
    } else localStorage.setItem(STAYS, 'yes');
  });
  link.addEventListener('click', (event) => {
    event.preventDefault();
    leave();
  });
  link.focus({ preventScroll: true });
  if (auto.checked) start();
}

each('form[data-compare]', (form) => {
  const needed = [...form.querySelectorAll('button[name="outcome"]')].filter((button) => button.value !== 'skip');
  for (const button of needed) button.disabled = true;
  const sendAgain = answerOnce(form, {
    pictures: [...form.querySelectorAll('.compare__side img')],
    onShown() {
      for (const button of needed) button.disabled = false;
    },
    async onAnswer(answer) {
      if (!answer) {
        sendAgain();
        sayUnsaved();
        return;
      }
      const page = parse(await answer.text());
      if (!answer.ok) {
        document.querySelector('main').replaceChildren(...page.querySelector('main, body').children);
        return;
      }
      const shown = page.querySelector('[data-reveal]');
      if (shown) reveal(form, document.adoptNode(shown));
      else replace(form.closest('[data-compare-box]') ?? form, page.body.innerHTML);
    },
  });
});
