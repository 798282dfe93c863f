"""The transitions that workers make: each is one conditional UPDATE.

A worker holds an image by its `lease_no`, a fencing token that only grows. Whoever comes late with an older number
touches no row, and the caller drops its result: a picture arrives exactly once, however workers die. Members and
moderators change states elsewhere (`services`, `effects`), by conditional UPDATEs as well.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, NamedTuple, cast

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Case, F, Q, Value, When
from django.db.models.sql import UpdateQuery

from generation.engines.numbers import IMAGES_SETTLED, Reason, count_failures
from generation.media.storage import Outputs
from generation.models import MAX_ATTEMPTS, MAX_INTERRUPTIONS, Image, ImageQuerySet, ImageState, QueueShare
from generation.queue.ordering import Candidate, Cap, Standing, charge, choose
from generation.queue.queries import queued_candidates, standing_of
from lib.content_levels import ContentLevel

RETRY_AFTER = timedelta(seconds=2)
Lease = tuple[int, int]  # image id, lease_no


def claim(*, pool: str, worker: str, cap: Cap, at: datetime, warm: int | None = None) -> list[Image]:
    """Leases the next batch of a pool and charges its authors; none come back when nothing waits.

    One claim of a pool at a time: two that read the same standing would choose the same batch.
    """
    with transaction.atomic():
        _lock_pool(pool)
        candidates = queued_candidates(pool, at)
        standing = standing_of(pool, {each.author for each in candidates})
        chosen = choose(candidates, standing=standing, cap=cap, warm=warm)
        if not chosen:
            _end_busy_period(pool)
            return []
        leased = dict(_lease(chosen, worker, at))
        served = [each for each in chosen if each.id in leased]
        _store(pool, charge(standing, served), {each.author for each in served})
    return _load(leased, [each.id for each in chosen])


def _lock_pool(pool: str) -> None:
    """Until the end of the transaction; goes with the connection where its process dies."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('generation.claim'), hashtext(%s))", [pool])


def _lease(chosen: Sequence[Candidate], worker: str, at: datetime) -> list[tuple[int, int]]:
    return _update_unlocked(
        Image.objects.filter(pk__in=[each.id for each in chosen], state=ImageState.QUEUED),
        ("id", "lease_no"),
        state=ImageState.LEASED,
        lease_no=F("lease_no") + 1,
        lease_expires_at=expiry(at),
        worker=worker[:120],
        started_at=at,
        failure="",
    )


def _store(pool: str, standing: Standing, authors: Iterable[int]) -> None:
    rows = [
        QueueShare(pool=pool, author_id=author, started=standing.clock, finished=standing.finished[author])
        for author in authors
    ]
    QueueShare.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["pool", "author"], update_fields=["started", "finished"]
    )


def _end_busy_period(pool: str) -> None:
    """Nothing waits: what anybody was served before is forgotten, the clock of the pool stands at its end."""
    last = QueueShare.objects.filter(pool=pool).order_by("-finished").values("pk")[:1]
    QueueShare.objects.filter(pk__in=last, started__lt=F("finished")).update(started=F("finished"))


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


def wanted(*, leases: Iterable[Lease]) -> set[int]:
    """The images among them that are still leased so and that nobody cancelled."""
    return set(_held(leases).filter(is_cancel_requested=False).values_list("pk", flat=True))


def finish(*, image_id: int, lease_no: int, outputs: Outputs, bucket: int, versions: dict[str, str]) -> bool:
    """leased → generated. False: the lease was lost or the image cancelled, and the result is to be dropped.

    True as well where an earlier call with the same outputs was committed but its answer never came.
    """
    mine = _held([(image_id, lease_no)]).filter(is_cancel_requested=False)
    finished = mine.update(
        state=ImageState.GENERATED, lease_expires_at=None, bucket=bucket, versions=versions, **asdict(outputs)
    )
    return bool(finished) or Image.objects.filter(pk=image_id, prefix=outputs.prefix).exists()


def drop_cancelled(*, leases: Iterable[Lease]) -> int:
    """leased → cancelled for those whose author asked; the worker calls it once it has let go of them."""
    asked = _held(leases).filter(is_cancel_requested=True)
    return asked.update(state=ImageState.CANCELLED, lease_expires_at=None)


def give_back(*, image_id: int, lease_no: int, failure: str, at: datetime) -> ImageState | None:
    """leased → queued after a failure of its own, → failed after the last, → cancelled if asked.

    None when the lease was lost.
    """
    returned = _update_returning(
        _held([(image_id, lease_no)]), ("state",), **_returned("attempts", failure), not_before=at + RETRY_AFTER
    )
    return ImageState(returned[0][0]) if returned else None


def interrupt(*, leases: Iterable[Lease], failure: str, at: datetime) -> list[int]:
    """leased → queued where the machine, not the picture, failed; returns the ids of all that were still held."""
    returned = _update_returning(_held(leases), ("id",), **_returned("interruptions", failure), not_before=at)
    return [image_id for (image_id,) in returned]


def fail(*, image_id: int, lease_no: int, failure: str) -> bool:
    """leased → failed, where another try would not help."""
    mine = _held([(image_id, lease_no)])
    return bool(mine.update(state=ImageState.FAILED, failure=failure[:300], lease_expires_at=None))


def reap(*, at: datetime, failure: str) -> list[int]:
    """Takes back leases that ran out; returns the ids of images that are failed or cancelled by it.

    A worker that died in the middle is an interruption: it fails an image only after MAX_INTERRUPTIONS, so that a
    picture that kills workers ends and an innocent one does not. Rows that somebody else has locked are left for the
    next call.
    """
    expired = Image.objects.filter(lease_expires_at__lte=at)
    _update_unlocked(
        expired.filter(state=ImageState.SCREENING), ("id",), state=ImageState.GENERATED, lease_expires_at=None
    )
    returned = _update_unlocked(
        expired.filter(state=ImageState.LEASED), ("id", "state", "pool"), **_returned("interruptions", failure),
        not_before=at,
    )  # fmt: skip
    for _image_id, state, pool in returned:
        count_failures(pool, Reason.WORKER_SILENT)
        if state == ImageState.FAILED:
            IMAGES_SETTLED.labels(state).inc()
    return [image_id for image_id, state, _pool in returned if state != ImageState.QUEUED]


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


def put_off_screening(*, image_id: int, lease_no: int) -> bool:
    """screening → generated without an attempt: the picture could not be read."""
    mine = Image.objects.filter(pk=image_id, lease_no=lease_no, state=ImageState.SCREENING, screening_attempts__gt=0)
    return bool(
        mine.update(state=ImageState.GENERATED, lease_expires_at=None, screening_attempts=F("screening_attempts") - 1)
    )


def settle(
    *, image_id: int, lease_no: int, state: ImageState, level: ContentLevel, at: datetime, failure: str = ""
) -> bool:
    """screening → ready, held or rejected, once; False when the lease was lost. `failure` says why it is held.

    What was reserved for the image is charged here, and nowhere else.
    """
    mine = Image.objects.filter(pk=image_id, lease_no=lease_no, state=ImageState.SCREENING)
    return bool(
        mine.update(
            state=state, content_level=level, ready_at=at, lease_expires_at=None, failure=failure[:300],
            charged_units=F("cost_units"),
        )
    )  # fmt: skip


def _held(leases: Iterable[Lease]) -> ImageQuerySet:
    """The images that are drawn under these leases."""
    held = Q(pk=None)
    for image_id, lease_no in leases:
        held |= Q(pk=image_id, lease_no=lease_no)
    return Image.objects.filter(held, state=ImageState.LEASED)


def _returned(counter: str, failure: str) -> dict[str, Any]:
    """Where a leased image goes that was not drawn, counted as one of its `attempts` or `interruptions`.

    All of the decision is in the UPDATE: no row changes in between.
    """
    most = {"attempts": MAX_ATTEMPTS, "interruptions": MAX_INTERRUPTIONS}[counter]
    is_cancelled = Q(is_cancel_requested=True)
    return {
        "state": Case(
            When(is_cancelled, then=Value(ImageState.CANCELLED)),
            When(**{f"{counter}__gte": most - 1}, then=Value(ImageState.FAILED)),
            default=Value(ImageState.QUEUED),
        ),
        counter: F(counter) + 1,
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
