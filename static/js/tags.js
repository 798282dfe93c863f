// input[data-tags] holds tags with commas between; [data-tag-suggestions] offers some: pressing one puts it in.
import { each, on } from './dom.js';

const PAUSE_MS = 180;
const split = (input) => input.value.split(',').map((word) => word.trim());

/** Replaces what is half-written (or adds to the end) and leaves the cursor where the next tag begins. */
function take(input, tag) {
  const words = split(input);
  if (words.slice(0, -1).some((word) => word.toLowerCase() === tag)) words.pop();
  else if (tag.startsWith(words.at(-1).toLowerCase())) words[words.length - 1] = tag;
  else words.push(tag); // the last word was whole
  input.value = `${words.filter(Boolean).join(', ')}, `;
  input.focus();
}

function offer(row, tags) {
  const buttons = tags.map((tag) => {
    const button = document.createElement('button');
    Object.assign(button, { type: 'button', className: 'chip', textContent: tag });
    button.dataset.tag = tag;
    return button;
  });
  row.replaceChildren(...buttons);
  row.hidden = !buttons.length;
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
      if (!word) return offer(row, first);
      try {
        const answer = await fetch(`${row.dataset.tagSuggestions}?q=${encodeURIComponent(word)}`);
        if (answer.ok && number === asked) offer(row, (await answer.json()).tags);
      } catch {
        // suggestions are a help; without them any tag can still be typed
      }
    }, PAUSE_MS);
  });
});

on('click', '[data-tag]', (button) => {
  take(document.querySelector('input[data-tags]'), button.dataset.tag);
  button.remove();
});
