"""Waits for pictures: running workers generate them, or this process does."""

import time
from collections.abc import Callable, Collection

from django.utils.translation import gettext as _

from generation.models import Image, ImageQuerySet
from generation.queue import wakeup
from lib.errors import Refused

POLL_INTERVAL = 1.0  # s
NO_PROGRESS_TIMEOUT = 300.0  # s


def generate_inline(generations: Collection[int], progress: Callable[[int], None]) -> None:
    """Generates and screens every pending picture in this process."""
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
            raise Refused("stuck", _("The pictures could not be generated. See the log for the reason."))
        progress(left - now_left)
        left = now_left


def wait_for_workers(generations: Collection[int], progress: Callable[[int], None]) -> None:
    """Polls until the running workers are done. Raises Refused if no picture is finished for minutes."""
    left, moved = _pending(generations), time.monotonic()
    for pool in set(_images(generations).pending().values_list("pool", flat=True)):
        wakeup.wake_workers(pool)
    while left:
        time.sleep(POLL_INTERVAL)
        now_left = _pending(generations)
        if now_left != left:
            progress(left - now_left)
            left, moved = now_left, time.monotonic()
        elif time.monotonic() - moved > NO_PROGRESS_TIMEOUT:
            message = _("No picture was finished for %(minutes)d minutes. Start a GPU worker, or use --inline.")
            raise Refused("no_worker", message % {"minutes": NO_PROGRESS_TIMEOUT // 60})


def _images(generations: Collection[int]) -> ImageQuerySet:
    return Image.objects.filter(generation__in=generations)


def _pending(generations: Collection[int]) -> int:
    return _images(generations).pending().count()
