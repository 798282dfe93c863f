// time[data-countdown][datetime]: what is left, by the minute, and by the second in the last hour; then the event countdown-end.
import { each } from './dom.js';

function left(milliseconds, language) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const two = (number) => String(number).padStart(2, '0');
  if (seconds < 3600) return `${two(Math.floor(seconds / 60))}:${two(seconds % 60)}`;
  const unit = (number, name) => new Intl.NumberFormat(language, { style: 'unit', unit: name, unitDisplay: 'short' }).format(number);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 24 * 60) return `${unit(Math.floor(minutes / 60), 'hour')} ${unit(minutes % 60, 'minute')}`;
  return `${unit(Math.floor(minutes / 1440), 'day')} ${unit(Math.floor(minutes / 60) % 24, 'hour')}`;
}

each('time[data-countdown]', (element) => {
  const end = Date.parse(element.dateTime);
  const language = document.documentElement.lang || undefined;
  element.title = new Date(end).toLocaleString(language);
  const tick = () => {
    element.textContent = left(end - Date.now(), language);
    if (!element.isConnected) return;
    if (end > Date.now()) setTimeout(tick, end - Date.now() < 3_600_000 ? 1000 : 15_000);
    else element.dispatchEvent(new Event('countdown-end', { bubbles: true }));
  };
  tick();
});
