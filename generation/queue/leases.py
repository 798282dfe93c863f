"""Every change of an image's state: one conditional UPDATE that names the lease it was made under.

A worker holds an image by its `lease_no`, which only grows. Whoever comes late with an older number touches no
row, and the caller drops what it brought: that is how a picture arrives exactly once, however workers die.
"""

from collections.abc import Callable, Iterable
from dataclasses import asdict
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q

from generation.media.storage import Outputs
from generation.models import MAX_ATTEMPTS, Image, ImageQuerySet, ImageState
from generation.queue.batching import Candidate, choose
from generation.queue.queries import queued_candidates, served_costs
from lib.content_levels import ContentLevel

RETRY_AFTER = timedelta(seconds=2)
Cap = Callable[[Candidate], int]


def claim(*, pool: str, worker: str, cap: Cap, at: datetime, warm: int | None = None) -> list[Image]:
    """Leases the next batch of a pool; fewer images (or none) come back when another worker was faster.

    The choice reads without locks; the short transaction after it locks only what was chosen, SKIP LOCKED.
    """
    candidates = queued_candidates(pool, at)
    served = served_costs({each.author for each in candidates}, at)
    chosen = [each.id for each in choose(candidates, served=served, cap=cap, now=at, warm=warm)]
    if not chosen:
        return []
    with transaction.atomic():
        free = Image.objects.select_for_update(skip_locked=True, of=("self",)).order_by("pk")
        ids = list(free.filter(pk__in=chosen, state=ImageState.QUEUED).values_list("pk", flat=True))
        Image.objects.filter(pk__in=ids).update(
            state=ImageState.LEASED,
            lease_no=F("lease_no") + 1,
            lease_expires_at=expiry(at),
            attempts=F("attempts") + 1,
            worker=worker[:120],
            started_at=at,
            failure="",
        )
    leased = Image.objects.filter(pk__in=ids).select_related(
        "generation__checkpoint", "generation__style", "generation__source_image", "generation__upload"
    )
    return sorted(leased, key=lambda image: chosen.index(image.pk))


def expiry(at: datetime) -> datetime:
    return at + timedelta(seconds=settings.LEASE_SECONDS)


def renew(*, leases: Iterable[tuple[int, int]], at: datetime) -> int:
    """Prolongs leases given as (image id, lease_no); returns how many were still held."""
    held = Q(pk=None)
    for image_id, lease_no in leases:
        held |= Q(pk=image_id, lease_no=lease_no)
    return Image.objects.filter(held, state=ImageState.LEASED).update(lease_expires_at=expiry(at))


def finish(*, image_id: int, lease_no: int, outputs: Outputs, bucket: int, versions: dict[str, str]) -> bool:
    """leased → generated. False: the lease was lost or the image cancelled, and the result is to be dropped."""
    mine = Image.objects.filter(pk=image_id, lease_no=lease_no, state=ImageState.LEASED, is_cancel_requested=False)
    return bool(
        mine.update(
            state=ImageState.GENERATED, lease_expires_at=None, bucket=bucket, versions=versions, **asdict(outputs)
        )
    )


def drop_cancelled(*, image_ids: Iterable[int]) -> int:
    """leased → cancelled for those whose author asked; the worker calls it once it has let go of them."""
    asked = Image.objects.filter(pk__in=image_ids, state=ImageState.LEASED, is_cancel_requested=True)
    return asked.update(state=ImageState.CANCELLED, lease_expires_at=None)


def give_back(*, image_id: int, lease_no: int, failure: str, at: datetime) -> ImageState | None:
    """leased → queued for another try, or → failed after the last; None when the lease was lost."""
    mine = Image.objects.filter(pk=image_id, lease_no=lease_no, state=ImageState.LEASED)
    return _return(mine, failure, at)


def fail(*, image_id: int, lease_no: int, failure: str) -> bool:
    """leased → failed, where another try would not help."""
    mine = Image.objects.filter(pk=image_id, lease_no=lease_no, state=ImageState.LEASED)
    return bool(mine.update(state=ImageState.FAILED, failure=failure[:300], lease_expires_at=None))


def _return(rows: ImageQuerySet, failure: str, at: datetime) -> ImageState | None:
    again = rows.filter(attempts__lt=MAX_ATTEMPTS)
    if again.update(state=ImageState.QUEUED, lease_expires_at=None, failure=failure[:300], not_before=at + RETRY_AFTER):
        return ImageState.QUEUED
    last = rows.filter(attempts__gte=MAX_ATTEMPTS)
    return (
        ImageState.FAILED
        if last.update(state=ImageState.FAILED, lease_expires_at=None, failure=failure[:300])
        else None
    )


def reap(*, at: datetime, failure: str) -> list[int]:
    """Takes back leases that ran out; returns the ids of images that are failed or cancelled by it.

    A worker that died in the middle counts as an attempt, so that a row that kills workers ends as failed.
    """
    expired = Image.objects.filter(lease_expires_at__lte=at)
    expired.filter(state=ImageState.SCREENING).update(state=ImageState.GENERATED, lease_expires_at=None)
    lost = expired.filter(state=ImageState.LEASED)
    ended = [
        *_ended(lost.filter(is_cancel_requested=True), ImageState.CANCELLED, ""),
        *_ended(lost.filter(attempts__gte=MAX_ATTEMPTS), ImageState.FAILED, failure),
    ]
    lost.update(state=ImageState.QUEUED, lease_expires_at=None, failure=failure, not_before=at)
    return ended


def _ended(rows: ImageQuerySet, state: ImageState, failure: str) -> list[int]:
    with transaction.atomic():
        ids = list(rows.select_for_update(skip_locked=True).values_list("pk", flat=True))
        Image.objects.filter(pk__in=ids).update(state=state, lease_expires_at=None, failure=failure)
    return ids


def take_for_screening(*, image_id: int, at: datetime) -> int | None:
    """generated → screening under a new lease, whose number is returned; None when there is nothing to do."""
    rows = Image.objects.filter(pk=image_id, state=ImageState.GENERATED)
    taken = rows.update(state=ImageState.SCREENING, lease_no=F("lease_no") + 1, lease_expires_at=expiry(at))
    return Image.objects.values_list("lease_no", flat=True).get(pk=image_id) if taken else None


def settle(*, image_id: int, lease_no: int, state: ImageState, level: ContentLevel, at: datetime) -> bool:
    """screening → ready, held or rejected, once; False when the lease was lost."""
    mine = Image.objects.filter(pk=image_id, lease_no=lease_no, state=ImageState.SCREENING)
    return bool(mine.update(state=state, content_level=level, ready_at=at, lease_expires_at=None))
