"""Deletes files that no row names: written by a worker that died, or under a lease that it had lost."""

from datetime import datetime, timedelta

from django.db.models import Q

from generation.media import storage
from generation.models import UNPAID, Image, ImageState

RANGE = 500
SETTLED_FOR = timedelta(hours=1)  # after it, no worker writes files for the row any more
LOOK_BACK = timedelta(days=30)  # what an earlier night has looked at is not looked at for ever
# Only these can have left files behind: the rest was drawn at the first attempt, under the lease that its row names.
_TRIED_AGAIN = Q(attempts__gt=0) | Q(interruptions__gt=0) | Q(state__in=UNPAID)
_SETTLED = (ImageState.READY, ImageState.HELD, ImageState.REJECTED, ImageState.CANCELLED, ImageState.FAILED)


def collect_garbage(*, first_id: int, at: datetime) -> int | None:
    """Cleans up one range of settled images from `first_id`; returns where to go on, None at the end.

    The store is asked once for each image that was tried again within LOOK_BACK, not for every image ever made.
    """
    settled = Image.objects.filter(pk__gte=first_id, queued_at__lt=at - SETTLED_FOR, state__in=_SETTLED)
    rows = settled.filter(_TRIED_AGAIN, started_at__gt=at - LOOK_BACK).order_by("pk")
    found = list(rows.values_list("pk", "prefix")[:RANGE])
    for image_id, prefix in found:
        for folder in storage.folders(f"images/{image_id}"):
            if f"images/{image_id}/{folder}" != prefix:
                storage.delete_prefix(f"images/{image_id}/{folder}")
    return found[-1][0] + 1 if len(found) == RANGE else None
