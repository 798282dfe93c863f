// A file that is dropped anywhere on Create, or chosen for it, brings its settings; one that says nothing about how it
// was made can be started from instead.
import { on, parse, request, words } from '../dom.js';
import { toast } from '../toast.js';
import { startFrom } from './source.js';

const veil = document.getElementById('dropveil');
const hasFiles = (event) => event.dataTransfer?.types.includes('Files') && document.getElementById('create-form');
const isSource = (event) => event.target.closest?.('[data-source]');
let over = 0;

async function recall(file) {
  const form = document.getElementById('create-form');
  const data = new FormData();
  data.append('file', file);
  const answer = await request(form.dataset.recallUrl, { method: 'POST', body: data }).catch(() => null);
  if (!answer || !(answer.ok || answer.status === 422)) {
    toast(words('failed', 'That did not work. Nothing was changed.'), 'error');
    return;
  }
  const page = parse(await answer.text());
  const recalled = document.adoptNode(page.querySelector('#create-form'));
  if (answer.ok) {
    form.replaceWith(recalled);
    window.htmx?.process(recalled);
  } else {
    form.querySelector('[data-notices]').replaceChildren(...recalled.querySelector('[data-notices]').childNodes);
  }
  offerToStartFrom(file);
  document.querySelector('#create-form [data-notices]').scrollIntoView({ block: 'nearest' });
}

function offerToStartFrom(file) {
  const notice = document.querySelector('#create-form [data-notices] .notice');
  if (!notice) return;
  const button = document.createElement('button');
  Object.assign(button, { type: 'button', className: 'button button--small', textContent: words('startfrom', 'Start from this picture') });
  button.addEventListener('click', () => {
    if (startFrom(file)) button.remove();
  });
  notice.append(button);
}

document.addEventListener('dragenter', (event) => {
  if (!hasFiles(event)) return;
  over += 1;
  veil.hidden = false;
});
document.addEventListener('dragleave', (event) => {
  if (!hasFiles(event)) return;
  over = Math.max(0, over - 1);
  veil.hidden = over === 0;
});
document.addEventListener('dragover', (event) => {
  if (!hasFiles(event)) return;
  event.preventDefault();
  document.querySelector('[data-source]')?.classList.toggle('source--over', Boolean(isSource(event)));
});
document.addEventListener('drop', (event) => {
  if (!hasFiles(event)) return;
  event.preventDefault();
  over = 0;
  veil.hidden = true;
  document.querySelector('[data-source]')?.classList.remove('source--over');
  const [file] = event.dataTransfer.files;
  if (!file) return;
  if (isSource(event)) startFrom(file);
  else recall(file);
});
on('change', '#recall-file', (input) => {
  const [file] = input.files;
  if (file) recall(file);
  input.value = '';
});
