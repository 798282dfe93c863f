"""Files that no row names: what a worker wrote and then died, or wrote for a lease it had lost."""

from datetime import datetime, timedelta

from generation.media import storage
from generation.models import Image, ImageState

RANGE = 500
SETTLED_FOR = timedelta(hours=1)  # nobody writes for such a row any more
_AT_REST = (ImageState.READY, ImageState.HELD, ImageState.REJECTED, ImageState.CANCELLED, ImageState.FAILED)


def sweep(*, first_id: int, at: datetime) -> int | None:
    """Looks at one range of images at rest, from `first_id`; returns where to go on, None at the end."""
    rows = Image.objects.filter(pk__gte=first_id, queued_at__lt=at - SETTLED_FOR, state__in=_AT_REST).order_by("pk")
    found = list(rows.values_list("pk", "prefix")[:RANGE])
    for image_id, prefix in found:
        for folder in storage.folders(f"images/{image_id}"):
            if f"images/{image_id}/{folder}" != prefix:
                storage.delete_prefix(f"images/{image_id}/{folder}")
    return found[-1][0] + 1 if len(found) == RANGE else None
