// [data-slider]: two pictures over one another; the range says how much of the second shows.
import { each } from './dom.js';

each('[data-slider]', (slider) => {
  const range = slider.querySelector('input'), paint = () => slider.style.setProperty('--shown', `${range.value}%`);
  range.addEventListener('input', paint);
  paint();
});
