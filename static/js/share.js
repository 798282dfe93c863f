// [data-share="address"]: the share sheet of the system, else the address is copied.
import { on, words } from './dom.js';
import { write } from './copy.js';
import { toast } from './toast.js';

on('click', '[data-share]', async (button) => {
  const url = new URL(button.dataset.share, location.href).href;
  try {
    if (navigator.share) await navigator.share({ url, title: document.title });
    else {
      await write(url);
      toast(words('linkcopied', 'Link copied'), 'success');
    }
  } catch (error) {
    if (error.name !== 'AbortError') toast(words('notcopied', 'Your browser did not allow copying. Select the text instead.'), 'error');
  }
});
