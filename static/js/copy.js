// data-copy="#id", data-copy-text="…" or data-copy-url="/…": copies, and says so in the button and aloud.
import { on, words } from './dom.js';
import { toast } from './toast.js';

const CONFIRMED_MS = 1600;

async function textFor(button) {
  if (button.dataset.copyText !== undefined) return button.dataset.copyText;
  if (button.dataset.copyUrl) {
    const answer = await fetch(button.dataset.copyUrl, { credentials: 'same-origin' });
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.text();
  }
  const source = document.querySelector(button.dataset.copy);
  return source.value ?? source.textContent.trim();
}

/** The clipboard API needs HTTPS; a plain-HTTP installation falls back to a selection. */
export async function write(text) {
  if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'visually-hidden';
  document.body.append(area);
  area.select();
  const copied = document.execCommand('copy');
  area.remove();
  if (!copied) throw new Error('copy refused');
}

function confirm(button) {
  const use = button.querySelector('.icon use');
  if (!use || button.dataset.copied) return;
  const before = use.getAttribute('href');
  button.dataset.copied = 'yes';
  use.setAttribute('href', before.replace(/#.*/, '#check'));
  setTimeout(() => {
    use.setAttribute('href', before);
    delete button.dataset.copied;
  }, CONFIRMED_MS);
}

on('click', '[data-copy], [data-copy-text], [data-copy-url]', async (button) => {
  try {
    await write(await textFor(button));
    confirm(button);
    toast(words('copied', 'Copied'), 'success');
  } catch {
    toast(words('notcopied', 'Your browser did not allow copying. Select the text instead.'), 'error');
  }
});
