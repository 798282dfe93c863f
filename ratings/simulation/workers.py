"""Waiting for the pictures of a simulated community: running workers draw them, or this process does."""

import time
from collections.abc import Callable, Collection

from django.utils.translation import gettext as _

from generation.models import Image, ImageQuerySet
from generation.queue import wakeup
from lib.errors import Refused

LOOK_EVERY = 1.0  # s
PATIENCE = 300.0  # s without a single picture more


def draw_inline(generations: Collection[int], progress: Callable[[int], None]) -> None:
    """Draws and screens everything that waits, in this process."""
    from generation.queue import (
        screening,
        worker,  # torch, which nothing else of ratings needs
    )

    left = _pending(generations)
    while left:
        for pool in sorted(set(_images(generations).pending().values_list("pool", flat=True))):
            worker.drain(pool=pool, worker="simulation")
        for image_id in screening.unchecked_ids():
            screening.check_image(image_id=image_id)
        now_left = _pending(generations)
        if now_left == left:
            raise Refused("stuck", _("The pictures cannot be drawn; the log says why."))
        progress(left - now_left)
        left = now_left


def await_workers(generations: Collection[int], progress: Callable[[int], None]) -> None:
    """Looks every second whether the running workers are done; raises Refused when nothing moves for minutes."""
    left, moved = _pending(generations), time.monotonic()
    for pool in set(_images(generations).pending().values_list("pool", flat=True)):
        wakeup.wake_workers(pool)
    while left:
        time.sleep(LOOK_EVERY)
        now_left = _pending(generations)
        if now_left != left:
            progress(left - now_left)
            left, moved = now_left, time.monotonic()
        elif time.monotonic() - moved > PATIENCE:
            message = _("No picture was finished for %(minutes)d minutes. Start a GPU worker, or use --inline.")
            raise Refused("no_worker", message % {"minutes": PATIENCE // 60})


def _images(generations: Collection[int]) -> ImageQuerySet:
    return Image.objects.filter(generation__in=generations)


def _pending(generations: Collection[int]) -> int:
    return _images(generations).pending().count()
