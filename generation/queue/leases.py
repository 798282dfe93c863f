"""The transitions that workers make: each is one conditional UPDATE.

A worker holds an image by its `lease_no`, a fencing token that only grows. Whoever comes late with an older number
touches no row, and the caller drops its result: a picture arrives exactly once, however workers die. Members and
moderators change states elsewhere (`services`, `effects`), by conditional UPDATEs as well.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, NamedTuple, cast

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Case, F, Q, Value, When
from django.db.models.sql import UpdateQuery

from generation.media.storage import Outputs
from generation.models import MAX_ATTEMPTS, Image, ImageQuerySet, ImageState
from generation.queue.batching import choose
from generation.queue.ordering import Candidate
from generation.queue.queries import queued_candidates, served_costs
from lib.content_levels import ContentLevel

RETRY_AFTER = timedelta(seconds=2)
Cap = Callable[[Candidate], int]
Lease = tuple[int, int]  # image id, lease_no


def claim(*, pool: str, worker: str, cap: Cap, at: datetime, warm: int | None = None) -> list[Image]:
    """Leases the next batch of a pool; fewer images (or none) come back when another worker was faster.

    The choice reads without locks; the UPDATE after it locks only what was chosen, SKIP LOCKED.
    """
    candidates = queued_candidates(pool, at)
    served = served_costs({each.author for each in candidates}, at)
    chosen = [each.id for each in choose(candidates, served=served, cap=cap, now=at, warm=warm)]
    if not chosen:
        return []
    leased = _update_unlocked(
        Image.objects.filter(pk__in=chosen, state=ImageState.QUEUED),
        ("id", "lease_no"),
        state=ImageState.LEASED,
        lease_no=F("lease_no") + 1,
        lease_expires_at=expiry(at),
        attempts=F("attempts") + 1,
        worker=worker[:120],
        started_at=at,
        failure="",
    )
    return _load(dict(leased), chosen)


def _load(leased: dict[int, int], chosen: Sequence[int]) -> list[Image]:
    """The leased images with what a job needs, under the lease_no that our own UPDATE gave them."""
    images = Image.objects.filter(pk__in=leased).select_related(
        "generation__checkpoint", "generation__style", "generation__source_image", "generation__upload"
    )
    for image in images:
        image.lease_no = leased[image.pk]
    return sorted(images, key=lambda image: chosen.index(image.pk))


def expiry(at: datetime) -> datetime:
    return at + timedelta(seconds=settings.LEASE_SECONDS)


def renew(*, leases: Iterable[Lease], at: datetime) -> int:
    """Prolongs leases; returns how many were still held."""
    return _held(leases).update(lease_expires_at=expiry(at))


def finish(*, image_id: int, lease_no: int, outputs: Outputs, bucket: int, versions: dict[str, str]) -> bool:
    """leased → generated. False: the lease was lost or the image cancelled, and the result is to be dropped."""
    mine = _held([(image_id, lease_no)]).filter(is_cancel_requested=False)
    return bool(
        mine.update(
            state=ImageState.GENERATED, lease_expires_at=None, bucket=bucket, versions=versions, **asdict(outputs)
        )
    )


def drop_cancelled(*, leases: Iterable[Lease]) -> int:
    """leased → cancelled for those whose author asked; the worker calls it once it has let go of them."""
    asked = _held(leases).filter(is_cancel_requested=True)
    return asked.update(state=ImageState.CANCELLED, lease_expires_at=None)


def give_back(*, image_id: int, lease_no: int, failure: str, at: datetime) -> ImageState | None:
    """leased → queued for another try, → failed after the last, → cancelled if asked; None when the lease was lost."""
    returned = _update_returning(
        _held([(image_id, lease_no)]), ("state",), **_returned(failure), not_before=at + RETRY_AFTER
    )
    return ImageState(returned[0][0]) if returned else None


def fail(*, image_id: int, lease_no: int, failure: str) -> bool:
    """leased → failed, where another try would not help."""
    mine = _held([(image_id, lease_no)])
    return bool(mine.update(state=ImageState.FAILED, failure=failure[:300], lease_expires_at=None))


def reap(*, at: datetime, failure: str) -> list[int]:
    """Takes back leases that ran out; returns the ids of images that are failed or cancelled by it.

    A worker that died in the middle counts as an attempt, so that an image that kills workers ends as failed. Rows
    that somebody else has locked are left for the next call.
    """
    expired = Image.objects.filter(lease_expires_at__lte=at)
    _update_unlocked(
        expired.filter(state=ImageState.SCREENING), ("id",), state=ImageState.GENERATED, lease_expires_at=None
    )
    returned = _update_unlocked(
        expired.filter(state=ImageState.LEASED), ("id", "state"), **_returned(failure), not_before=at
    )
    return [image_id for image_id, state in returned if state != ImageState.QUEUED]


class ScreeningLease(NamedTuple):
    lease_no: int
    attempt: int  # from 1


def take_for_screening(*, image_id: int, at: datetime) -> ScreeningLease | None:
    """generated → screening under a new lease; None when there is nothing to do."""
    taken = _update_returning(
        Image.objects.filter(pk=image_id, state=ImageState.GENERATED),
        ("lease_no", "screening_attempts"),
        state=ImageState.SCREENING,
        lease_no=F("lease_no") + 1,
        screening_attempts=F("screening_attempts") + 1,
        lease_expires_at=expiry(at),
    )
    return ScreeningLease(*taken[0]) if taken else None


def settle(
    *, image_id: int, lease_no: int, state: ImageState, level: ContentLevel, at: datetime, failure: str = ""
) -> bool:
    """screening → ready, held or rejected, once; False when the lease was lost. `failure` says why it is held."""
    mine = Image.objects.filter(pk=image_id, lease_no=lease_no, state=ImageState.SCREENING)
    return bool(
        mine.update(state=state, content_level=level, ready_at=at, lease_expires_at=None, failure=failure[:300])
    )


def _held(leases: Iterable[Lease]) -> ImageQuerySet:
    """The images that are drawn under these leases."""
    held = Q(pk=None)
    for image_id, lease_no in leases:
        held |= Q(pk=image_id, lease_no=lease_no)
    return Image.objects.filter(held, state=ImageState.LEASED)


def _returned(failure: str) -> dict[str, Any]:
    """Where a leased image goes that was not drawn. All of the decision is in the UPDATE: no row changes in between."""
    is_cancelled = Q(is_cancel_requested=True)
    return {
        "state": Case(
            When(is_cancelled, then=Value(ImageState.CANCELLED)),
            When(attempts__gte=MAX_ATTEMPTS, then=Value(ImageState.FAILED)),
            default=Value(ImageState.QUEUED),
        ),
        "failure": Case(When(is_cancelled, then=Value("")), default=Value(failure[:300])),
        "lease_expires_at": None,
    }


def _update_unlocked(rows: ImageQuerySet, returning: Collection[str], **values: Any) -> list[tuple[Any, ...]]:
    """`_update_returning` of those rows that nobody else has locked, in one statement."""
    with transaction.atomic():
        unlocked = rows.select_for_update(skip_locked=True, of=("self",)).values("pk")
        return _update_returning(Image.objects.filter(pk__in=unlocked), returning, **values)


def _update_returning(rows: ImageQuerySet, returning: Collection[str], **values: Any) -> list[tuple[Any, ...]]:
    """`rows.update(**values)` with RETURNING: columns as this UPDATE wrote them, not as a later one did."""
    query = cast(UpdateQuery, rows.query.chain(UpdateQuery))
    query.add_update_values(values)
    statement, params = query.get_compiler(connection=connection).as_sql()
    with connection.cursor() as cursor:
        cursor.execute(f"{statement} RETURNING {', '.join(returning)}", params)  # names are literals of this module
        updated: list[tuple[Any, ...]] = cursor.fetchall()
    return updated
