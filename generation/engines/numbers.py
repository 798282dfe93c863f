"""What drawing costs and why it fails, counted for Prometheus by the processes that draw and check."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum

from prometheus_client import Counter


class Reason(StrEnum):
    """Why a try at a picture ended without one; the values are labels in dashboards and alerts."""

    BROKEN = "broken"  # the checkpoint or its libraries raised something that nobody foresaw
    CHECKPOINT = "checkpoint"  # it could not be loaded
    DEVICE_LOST = "device_lost"
    NOT_ENCODED = "not_encoded"
    NOT_STORED = "not_stored"  # the store or the database was away for longer than STORE_SECONDS
    NOT_SUPPORTED = "not_supported"
    OUT_OF_MEMORY = "out_of_memory"
    SERVICE_AWAY = "service_away"  # the database, the store or a remote engine
    SOURCE_GONE = "source_gone"  # the picture to start from was deleted
    STOPPED = "stopped"  # the worker was, in the middle of a batch
    TOO_SLOW = "too_slow"
    WORKER_SILENT = "worker_silent"  # its lease ran out


GPU_SECONDS = Counter(
    "salon_gpu_seconds", "Seconds in which a worker's device drew, by what came of it", ["pool", "outcome"]
)
IMAGES_DRAWN = Counter("salon_images_drawn", "Pictures that a device drew", ["pool"])
IMAGE_FAILURES = Counter("salon_image_failures", "Tries at a picture that ended without one", ["pool", "reason"])
IMAGES_SETTLED = Counter("salon_images_settled", "Images that came to their end, by state", ["state"])
DRAWN, LOST = "drawn", "lost"


def begin_at_zero(pools: Iterable[str]) -> None:
    """Shows what this process will count before it counts: an idle worker has a utilisation of 0, not none."""
    for pool in pools:
        IMAGES_DRAWN.labels(pool).inc(0)
        for outcome in (DRAWN, LOST):
            GPU_SECONDS.labels(pool, outcome).inc(0)


@contextmanager
def count_gpu_seconds(pool: str, images: int) -> Iterator[None]:
    """Counts the seconds of the block, and its pictures; what raises is counted as lost."""
    began, outcome = time.monotonic(), LOST
    try:
        yield
        outcome = DRAWN
        IMAGES_DRAWN.labels(pool).inc(images)
    finally:
        GPU_SECONDS.labels(pool, outcome).inc(time.monotonic() - began)


def count_failures(pool: str, reason: Reason, images: int = 1) -> None:
    IMAGE_FAILURES.labels(pool, reason.value).inc(images)
