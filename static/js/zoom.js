// Zooming and panning a picture inside its stage: wheel, pinch, double tap, drag; swipes where it is not zoomed.

const MOST = 8, STEP = 1.6, SWIPE = 56, TAP_MS = 320, TAP_PX = 24;

/**
 * `on.next`, `on.previous` and `on.down` are called for swipes over the picture at its own size.
 * Returns `zoomBy(factor)`, `reset()` and `isZoomed()`.
 */
export function zoomable(stage, image, on = {}) {
  let scale = 1, x = 0, y = 0, drag = null, tapped = null;
  const pointers = new Map();

  function paint() {
    const most = (size, available) => Math.max(0, (size * scale - available) / 2);
    if (scale > 1) {
      x = Math.min(most(image.offsetWidth, stage.clientWidth), Math.max(-most(image.offsetWidth, stage.clientWidth), x));
      y = Math.min(most(image.offsetHeight, stage.clientHeight), Math.max(-most(image.offsetHeight, stage.clientHeight), y));
    }
    image.style.transform = scale === 1 && !x && !y ? '' : `translate(${x}px, ${y}px) scale(${scale})`;
    stage.toggleAttribute('data-zoomed', scale > 1);
  }

  function reset() {
    scale = 1;
    x = y = 0;
    paint();
  }

  /** Zooms by a factor so that the point (relative to the middle of the stage) stays where it is. */
  function zoomBy(factor, at = { x: 0, y: 0 }) {
    const wanted = Math.min(MOST, Math.max(1, scale * factor));
    x = at.x - ((at.x - x) * wanted) / scale;
    y = at.y - ((at.y - y) * wanted) / scale;
    scale = wanted;
    if (scale === 1) x = y = 0;
    paint();
  }

  const point = ({ clientX, clientY }) => {
    const box = stage.getBoundingClientRect();
    return { x: clientX - box.left - box.width / 2, y: clientY - box.top - box.height / 2 };
  };
  const spread = ([one, two]) => Math.hypot(one.x - two.x, one.y - two.y);

  stage.addEventListener('wheel', (event) => {
    event.preventDefault();
    zoomBy(Math.exp(-event.deltaY / 300), point(event));
  }, { passive: false });

  stage.addEventListener('pointerdown', (event) => {
    if (event.button) return;
    stage.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, point(event));
    drag = pointers.size === 1 ? { from: point(event), x, y } : null;
  });

  stage.addEventListener('pointermove', (event) => {
    if (!pointers.has(event.pointerId)) return;
    const before = [...pointers.values()];
    pointers.set(event.pointerId, point(event));
    const now = [...pointers.values()];
    if (now.length === 2) {
      zoomBy(spread(now) / spread(before), { x: (now[0].x + now[1].x) / 2, y: (now[0].y + now[1].y) / 2 });
    } else if (drag) {
      x = drag.x + now[0].x - drag.from.x;
      y = scale > 1 ? drag.y + now[0].y - drag.from.y : 0;
      paint();
    }
  });

  function lift(event) {
    if (!pointers.delete(event.pointerId) || !drag) return;
    const end = point(event), across = end.x - drag.from.x, down = end.y - drag.from.y;
    drag = null;
    if (scale === 1) {
      x = y = 0;
      paint();
      if (Math.abs(across) > SWIPE && Math.abs(across) > Math.abs(down)) (across < 0 ? on.next : on.previous)?.();
      else if (down > 1.6 * SWIPE) on.down?.();
    }
    if (Math.hypot(across, down) > TAP_PX) return;
    if (tapped && event.timeStamp - tapped.at < TAP_MS && Math.hypot(end.x - tapped.x, end.y - tapped.y) < TAP_PX) {
      tapped = null;
      if (scale > 1) reset();
      else zoomBy(3, end);
    } else tapped = { ...end, at: event.timeStamp };
  }
  stage.addEventListener('pointerup', lift);
  stage.addEventListener('pointercancel', (event) => {
    pointers.delete(event.pointerId);
    drag = null;
    if (scale === 1) reset();
  });

  return { reset, zoomBy: (factor) => zoomBy(factor), isZoomed: () => scale > 1, STEP };
}
