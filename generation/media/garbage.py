"""Deletes what nobody needs any more: files that no row names, and drafts that were left as drafts.

Such files were written by a worker that died, or under a lease that it had lost.
"""

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q

from generation.media import storage
from generation.media.blanks import blank_images
from generation.models import PENDING, UNPAID, Image, ImageState

RANGE = 500
SETTLED_FOR = timedelta(hours=1)  # after it, no worker writes files for the row any more
DRAFTS_FOR = timedelta(days=1)  # a draft is looked at while its prompt is typed
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


def delete_drafts(*, at: datetime) -> int:
    """Deletes drafts older than DRAFTS_FOR, apart from favourites and published ones; returns how many.

    What is still being drawn from one is drawn first.
    """
    old = Image.objects.filter(generation__is_draft=True, queued_at__lt=at - DRAFTS_FOR, state__in=_SETTLED)
    left = old.filter(deleted_at=None, is_public=False, is_favourite=False)
    drawn_from = Image.objects.filter(generation__source_image=OuterRef("pk"), state__in=PENDING)
    ids = list(left.exclude(Exists(drawn_from)).order_by("pk").values_list("pk", flat=True)[:RANGE])
    deleted = blank_images(left.filter(pk__in=ids), at=at)
    return deleted + (delete_drafts(at=at) if len(ids) == RANGE else 0)
