// input[data-tags] holds tags with commas between; [data-tag-suggestions] offers some: pressing one puts it in.
import { each, on } from './dom.js';

const PAUSE_MS = 180;
const split = (input) => input.value.split(',').map((word) => word.trim());

/** Replaces what is half-written, or adds to what is whole, and leaves the cursor where the next tag begins. */
function take(input, tag, isHalfWritten) {
  const words = split(input);
  if (isHalfWritten) words.pop();
  if (!words.some((word) => word.toLowerCase() === tag)) words.push(tag);
  input.value = `${words.filter(Boolean).join(', ')}, `;
  input.focus();
}

/** `word` is the half-written one that these tags complete; empty for those that go with the prompt. */
function offer(row, tags, word) {
  const buttons = tags.map((tag) => {
    const button = document.createElement('button');
    Object.assign(button, { type: 'button', className: 'chip', textContent: tag });
    button.dataset.tag = tag;
    return button;
  });
  row.replaceChildren(...buttons);
  row.hidden = !buttons.length;
  row.dataset.word = word;
}

each('input[data-tags]', (input) => {
  const row = document.querySelector('[data-tag-suggestions]');
  if (!row) return;
  const first = [...row.querySelectorAll('[data-tag]')].map((button) => button.dataset.tag);
  let timer;
  let asked = 0;
  input.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const word = split(input).at(-1);
      const number = (asked += 1);
      if (!word) return offer(row, first, '');
      try {
        const answer = await fetch(`${row.dataset.tagSuggestions}?q=${encodeURIComponent(word)}`);
        if (answer.ok && number === asked) offer(row, (await answer.json()).tags, word);
      } catch {
        // suggestions are a help; without them any tag can still be typed
      }
    }, PAUSE_MS);
  });
});

on('click', '[data-tag]', (button) => {
  const row = button.closest('[data-tag-suggestions]');
  take(document.querySelector('input[data-tags]'), button.dataset.tag, Boolean(row?.dataset.word));
  if (row) row.dataset.word = '';
  button.remove();
});
