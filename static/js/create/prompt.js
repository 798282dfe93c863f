// Words to press, prompts from before, and the arrow up in an empty prompt.
import { each, on, request, words } from '../dom.js';
import { toast } from '../toast.js';

const prompt = () => document.getElementById('id_prompt');

function write(text) {
  const area = prompt();
  area.value = text;
  area.dispatchEvent(new Event('input', { bubbles: true }));
  area.dispatchEvent(new Event('change', { bubbles: true }));
}

on('click', '[data-add-word]', (button) => {
  const area = prompt();
  const word = button.dataset.addWord;
  const before = area.value.trimEnd();
  const glue = !before ? '' : /^(on|in|at) /.test(word) || /[,:]$/.test(before) ? ' ' : ', ';
  write(`${before}${glue}${word}`);
});
on('click', '[data-use-prompt]', (button) => {
  write(button.dataset.usePrompt);
  prompt().focus();
});
on('keydown', '#id_prompt', (area, event) => {
  if (event.key !== 'ArrowUp' || area.value) return;
  const last = document.querySelector('[data-use-prompt]');
  if (!last) return;
  event.preventDefault();
  write(last.dataset.usePrompt);
});

// One Tab stop for a row of words; the arrows move in it.
each('.hints__words', (row) => {
  row.removeAttribute('tabindex');
  row.addEventListener('keydown', (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const words = [...row.querySelectorAll('button')];
    const next = words[(words.indexOf(document.activeElement) + step + words.length) % words.length];
    event.preventDefault();
    for (const word of words) word.tabIndex = word === next ? 0 : -1;
    next.focus();
  });
});

// [data-expand]: asks for a richer prompt, shows what was added beside the prompt, and takes it back.
let before = null;
on('click', '[data-expand]', async (button) => {
  const line = document.querySelector('[data-expanded]');
  const text = prompt().value;
  const body = JSON.stringify({ prompt: text });
  const options = { method: 'POST', body, headers: { 'Content-Type': 'application/json' } };
  button.disabled = true;
  const answer = await request(button.dataset.expand, options).catch(() => null);
  const said = await answer?.json().catch(() => null);
  button.disabled = false;
  if (!answer?.ok) {
    toast(said?.detail ?? words('failed', 'That did not work. Nothing was changed.'), 'error');
    return;
  }
  line.hidden = false;
  line.querySelector('[data-expanded-words]').textContent = said.added.join(', ') || line.dataset.nothing;
  line.querySelector('button').hidden = !said.added.length;
  if (!said.added.length || prompt().value !== text) return;
  before = text;
  write(said.expanded);
});
on('click', '[data-expand-undo]', (button) => {
  write(before);
  button.closest('[data-expanded]').hidden = true;
  prompt().focus();
});
