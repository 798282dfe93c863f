// data-drop-file: a form with one file input. A file that is dropped anywhere on the page is sent by it.
const form = document.querySelector('form[data-drop-file]');
const hasFiles = (event) => form && event.dataTransfer?.types.includes('Files');

document.addEventListener('dragover', (event) => {
  if (!hasFiles(event) || event.target.closest?.('input[type="file"]')) return;
  event.preventDefault();
});
document.addEventListener('drop', (event) => {
  if (!hasFiles(event) || event.target.closest?.('input[type="file"]')) return;
  event.preventDefault();
  if (event.dataTransfer.files.length === 0) return;
  form.querySelector('input[type="file"]').files = event.dataTransfer.files;
  form.requestSubmit();
});
