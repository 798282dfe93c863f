// [data-source]: the picture to start from, chosen, dropped there or pasted anywhere; its options show with it.
import { each, on } from '../dom.js';

const box = () => document.querySelector('[data-source]');
const IMAGES = ['image/png', 'image/jpeg', 'image/webp', 'image/avif'];
let address = null;

/** Shows the picture, and of what can be done with it only what was chosen; what is not shown is not sent. */
function show(input) {
  const file = input.files[0];
  const picture = box().querySelector('[data-source-picture]');
  const keeps = box().querySelector('#id_keep_source');
  const { start_from: given } = input.form.elements;
  if (address) URL.revokeObjectURL(address);
  address = file ? URL.createObjectURL(file) : null;
  if (file && given) given.value = '';
  if (file && keeps) keeps.checked = false;
  const isGiven = Boolean(given?.value && picture.dataset.given);
  picture.hidden = !(file || isGiven);
  if (file) picture.src = address;
  box().querySelector('[data-source-remove]').hidden = picture.hidden;
  offer(!picture.hidden || Boolean(keeps?.checked));
  if (picture.hidden) return;
  if (picture.complete && picture.naturalWidth) edit(picture);
}

/** Gives the picture to the brush and the frame. */
function edit(picture) {
  const given = /^(\d+)x(\d+)$/.exec((!address && picture.dataset.given) || '');
  const [width, height] = given ? [Number(given[1]), Number(given[2])] : [picture.naturalWidth, picture.naturalHeight];
  const size = document.querySelector('#create-form [name="source_size"]');
  if (size) size.value = `${width}x${height}`;
  for (const copy of box().querySelectorAll('[data-edit-picture]')) copy.src = picture.src;
  for (const frame of box().querySelectorAll('[data-frame-editor]')) {
    frame.dispatchEvent(new CustomEvent('source', { detail: { src: picture.src, width, height } }));
  }
}

function offer(hasPicture) {
  const options = box().querySelector('[data-source-options]');
  const chosen = hasPicture ? options.querySelector('[name="edit_kind"]:checked')?.value ?? '' : '';
  delete options.dataset.idle;
  options.hidden = !hasPicture;
  for (const part of options.querySelectorAll('[data-for-kind]')) part.hidden = part.dataset.forKind !== chosen;
  for (const input of options.querySelectorAll('input, select')) {
    const part = input.closest('[data-for-kind]');
    input.disabled = !hasPicture || Boolean(part?.hidden);
  }
}

/** Starts from this file. */
export function startFrom(file) {
  const input = document.getElementById('id_source_file');
  if (!input || !IMAGES.includes(file.type)) return false;
  const carrier = new DataTransfer();
  carrier.items.add(file);
  input.files = carrier.files;
  input.dispatchEvent(new Event('change', { bubbles: true }));
  box().scrollIntoView({ block: 'nearest' });
  return true;
}

each('#id_source_file', (input) => {
  box().querySelector('[data-source-picture]').addEventListener('load', (event) => edit(event.target));
  show(input);
  input.addEventListener('change', () => show(input));
});
on('change', '#id_keep_source, [name="edit_kind"]', () => offer(!box().querySelector('[data-source-picture]').hidden || Boolean(box().querySelector('#id_keep_source')?.checked)));
on('click', '[data-source-remove]', () => {
  const input = document.getElementById('id_source_file');
  if (input.form.elements.start_from) input.form.elements.start_from.value = '';
  input.value = '';
  input.dispatchEvent(new Event('change', { bubbles: true }));
  input.focus();
});
document.addEventListener('paste', (event) => {
  const file = [...(event.clipboardData?.files ?? [])].find((each) => IMAGES.includes(each.type));
  if (file && startFrom(file)) event.preventDefault();
});
