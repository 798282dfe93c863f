// input[data-suggest="address"]: a list of what the search may become below it, and of recent searches while it is empty.
// Ctrl-K opens the palette, which has such a field (keys.js opens it with /).
import { each, on, request, words } from './dom.js';

const PAUSE_MS = 140, MOST_RECENT = 8, RECENT = 'recent-searches';
let lists = 0;

function recent() {
  try {
    return JSON.parse(localStorage.getItem(RECENT)) ?? [];
  } catch {
    return [];
  }
}

function remember(text) {
  if (!text) return;
  try {
    localStorage.setItem(RECENT, JSON.stringify([text, ...recent().filter((other) => other !== text)].slice(0, MOST_RECENT)));
  } catch {
    // a browser that stores nothing remembers nothing
  }
}

each('input[data-suggest]', (input) => {
  const list = document.createElement('ul');
  Object.assign(list, { className: 'suggestions', id: `suggestions-${(lists += 1)}` });
  list.setAttribute('role', 'listbox');
  list.setAttribute('aria-label', input.getAttribute('aria-label'));
  input.parentElement.append(list);
  for (const [name, value] of [['role', 'combobox'], ['aria-autocomplete', 'list'], ['aria-controls', list.id], ['aria-expanded', 'false']]) input.setAttribute(name, value);
  let timer, asked = 0;

  const options = () => [...list.children];
  const selected = () => list.querySelector('[aria-selected="true"]');

  function select(option) {
    selected()?.setAttribute('aria-selected', 'false');
    option?.setAttribute('aria-selected', 'true');
    option?.scrollIntoView({ block: 'nearest' });
    if (option) input.setAttribute('aria-activedescendant', option.id);
    else input.removeAttribute('aria-activedescendant');
  }

  function offer(found) {
    list.replaceChildren(...found.map(({ kind, text, url }, number) => {
      const option = document.createElement('li'), name = document.createElement('bdi'), label = document.createElement('span');
      Object.assign(option, { className: 'suggestion', id: `${list.id}-${number}` });
      option.setAttribute('role', 'option');
      option.setAttribute('aria-selected', 'false');
      option.dataset.url = url;
      name.textContent = text;
      Object.assign(label, { className: 'suggestion__kind', textContent: kind });
      option.append(name, label);
      return option;
    }));
    input.setAttribute('aria-expanded', String(found.length > 0));
    select(null);
  }

  function offerRecent() {
    const kept = recent(), action = input.form.getAttribute('action');
    const found = kept.map((text) => ({ kind: words('recent', 'Recent'), text, url: `${action}?q=${encodeURIComponent(text)}` }));
    if (kept.length) found.push({ kind: '', text: words('forget', 'Forget recent searches'), url: '' });
    offer(found);
  }

  async function ask() {
    const number = (asked += 1), text = input.value.trim();
    if (!text) return offerRecent();
    const answer = await request(`${input.dataset.suggest}?q=${encodeURIComponent(text)}`).catch(() => null);
    if (answer?.ok && number === asked && document.activeElement === input) offer((await answer.json()).suggestions);
  }

  function follow(option) {
    if (option.dataset.url) location.assign(option.dataset.url);
    else {
      localStorage.removeItem(RECENT);
      offer([]);
    }
  }

  input.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(ask, PAUSE_MS);
  });
  input.addEventListener('focus', () => {
    if (!input.value && !input.hasAttribute('autofocus')) offerRecent();
    else if (!input.value && input.closest('dialog')) offerRecent();
  });
  input.addEventListener('keydown', (event) => {
    const all = options(), at = all.indexOf(selected());
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      if (!all.length) return;
      event.preventDefault();
      const next = at + (event.key === 'ArrowDown' ? 1 : -1);
      select(next < 0 || next >= all.length ? null : all[next]);
    } else if (event.key === 'Enter' && selected()) {
      event.preventDefault();
      follow(selected());
    } else if (event.key === 'Escape' && all.length && !input.closest('dialog')) offer([]);
  });
  list.addEventListener('pointerdown', (event) => event.preventDefault()); // the field keeps the focus
  list.addEventListener('click', (event) => {
    const option = event.target.closest('.suggestion');
    if (option) follow(option);
  });
  input.addEventListener('blur', () => offer([]));
  input.form.addEventListener('submit', () => remember(input.value.trim()));
});

on('keydown', 'html', (_page, event) => {
  if (event.key !== 'k' || !(event.ctrlKey || event.metaKey) || document.querySelector('dialog[open]')) return;
  event.preventDefault();
  document.getElementById('palette')?.showModal();
});
