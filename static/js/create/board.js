// The mood board: up to six pictures, put on it by a button, by dragging one of the page, or as a file. Their ids stand
// in the field `references`; the server draws the board anew when that changes.
import { on, request, words } from '../dom.js';
import { toast } from '../toast.js';

const MOST = 6;
const OURS = 'application/x-salon-picture';
const field = () => document.getElementById('id_references');
const names = () => (field()?.value ?? '').split(',').filter(Boolean);

function set(list) {
  field().value = list.join(',');
  field().dispatchEvent(new Event('change', { bubbles: true }));
}

function add(id) {
  const list = names().filter((name) => name !== id);
  if (list.length >= MOST) {
    toast(words('boardfull', 'The mood board is full. Remove one first.'), 'error');
    return;
  }
  set([...list, id]);
  field().closest('form').querySelector('[data-board]').open = true;
}

async function addFile(file) {
  const data = new FormData();
  data.append('file', file);
  const answer = await request(document.querySelector('[data-board]').dataset.board, { method: 'POST', body: data }).catch(() => null);
  const said = await answer?.json().catch(() => null);
  if (answer?.ok) add(said.id);
  else toast(said?.detail ?? words('failed', 'That did not work. Nothing was changed.'), 'error');
}

on('click', '[data-board-add]', (button, event) => {
  if (!field()) return; // the link opens Create with it
  event.preventDefault();
  add(button.dataset.boardAdd);
});
on('click', '[data-board-remove]', (button) => set(names().filter((name) => name !== button.dataset.boardRemove)));
on('change', '[data-board-file]', (input) => {
  for (const file of input.files) addFile(file);
  input.value = '';
});
on('dragstart', '[data-image]', (figure, event) => event.dataTransfer?.setData(OURS, figure.dataset.image));
on('dragover', '[data-board]', (board, event) => {
  if (!event.dataTransfer.types.includes(OURS)) return;
  event.preventDefault();
  board.classList.add('board--over');
});
on('dragleave', '[data-board]', (board) => board.classList.remove('board--over'));
on('drop', '[data-board]', (board, event) => {
  board.classList.remove('board--over');
  const id = event.dataTransfer.getData(OURS);
  if (!id) return;
  event.preventDefault();
  add(id);
});
