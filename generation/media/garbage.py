"""Deletes files that no row names: written by a worker that died, or under a lease that it had lost."""

from datetime import datetime, timedelta

from generation.media import storage
from generation.models import Image, ImageState

RANGE = 500
SETTLED_FOR = timedelta(hours=1)  # after it, no worker writes files for the row any more
_SETTLED = (ImageState.READY, ImageState.HELD, ImageState.REJECTED, ImageState.CANCELLED, ImageState.FAILED)


def collect_garbage(*, first_id: int, at: datetime) -> int | None:
    """Cleans up one range of settled images from `first_id`; returns where to go on, None at the end."""
    rows = Image.objects.filter(pk__gte=first_id, queued_at__lt=at - SETTLED_FOR, state__in=_SETTLED).order_by("pk")
    found = list(rows.values_list("pk", "prefix")[:RANGE])
    for image_id, prefix in found:
        for folder in storage.folders(f"images/{image_id}"):
            if f"images/{image_id}/{folder}" != prefix:
                storage.delete_prefix(f"images/{image_id}/{folder}")
    return found[-1][0] + 1 if len(found) == RANGE else None
