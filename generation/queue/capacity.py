"""What the workers of a pool can do: the largest batch by device and shape, and how fast they draw."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models.functions import Least
from django.utils import timezone

from generation.models import BatchCap, Checkpoint, Image, PoolWorker
from generation.queue.ordering import BUCKETS

NEAR_PEAK = 0.95  # of the best throughput: a larger batch would only make members wait longer
NEWEST_WEIGHT = 0.3  # of the latest batch in a worker's speed


@dataclass(frozen=True)
class Measured:
    """One batch size as it was measured."""

    batch: int
    images_per_second: float


def best_batch(measured: Sequence[Measured]) -> Measured:
    """The smallest batch with at least 95 % of the peak throughput, of at least one that fitted into memory."""
    peak = max(each.images_per_second for each in measured)
    return min((each for each in measured if each.images_per_second >= NEAR_PEAK * peak), key=lambda each: each.batch)


def measure(draw: Callable[[int], bool], clock: Callable[[], float] = time.perf_counter) -> list[Measured]:
    """Throughput by batch size up to the first that does not fit.

    Args:
        draw: draws a batch of so many pictures; False where it does not fit into memory.
    """
    measured: list[Measured] = []
    for batch in BUCKETS:
        if not draw(batch):  # a first call of a shape allocates and compiles
            break
        began = clock()
        if not draw(batch):
            break
        measured.append(Measured(batch, batch / max(1e-9, clock() - began)))
    return measured


def store_cap(*, checkpoint: Checkpoint, device: str, size: tuple[int, int], best: Measured) -> BatchCap:
    """Keeps what was measured in place of what was known before."""
    values = {"cap": best.batch, "images_per_second": best.images_per_second, "updated_at": timezone.now()}
    return BatchCap.objects.update_or_create(
        checkpoint=checkpoint, device=device, width=size[0], height=size[1], defaults=values
    )[0]


def lower_cap(images: Sequence[Image], *, device: str, cap: int) -> None:
    """Remembers, for every worker with such a device, that more images like these do not fit into memory."""
    made, now = images[0].generation, timezone.now()
    row = BatchCap(
        checkpoint_id=made.checkpoint_id, device=device, width=made.width, height=made.height, cap=cap, updated_at=now
    )
    BatchCap.objects.bulk_create([row], ignore_conflicts=True)
    known = BatchCap.objects.filter(
        checkpoint_id=row.checkpoint_id, device=device, width=row.width, height=row.height, cap__gt=cap
    )
    known.update(cap=Least("cap", cap), images_per_second=None, updated_at=now)


def record_speed(*, worker: str, pool: str, cost: int, seconds: float, at: datetime) -> None:
    """Moves the average speed of a worker, in cost units a second, towards its latest batch."""
    latest = cost / max(1e-3, seconds)
    known = PoolWorker.objects.filter(name=worker[:120]).values_list("units_per_second", flat=True).first()
    speed = latest if known is None else (1 - NEWEST_WEIGHT) * known + NEWEST_WEIGHT * latest
    PoolWorker.objects.update_or_create(
        name=worker[:120], defaults={"pool": pool, "units_per_second": speed, "seen_at": at}
    )
