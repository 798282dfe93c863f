"""Draws batches on one GPU: claims leases, calls the engine, and hands the pictures to the finisher.

Whatever ends this process, the leases run out and another worker draws the images again; a result that comes after
that finds its lease lost and is dropped.
"""

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property, partial
from typing import Any, Self

import PIL.Image
import structlog
from django.conf import settings
from django.db import Error, connection
from django.db.models import F, Max
from django.utils import timezone
from django.utils.translation import gettext as _

from generation.engines.base import (
    CheckpointError,
    DeviceLost,
    Engine,
    NotSupported,
    OutOfMemory,
    PreviewSource,
    ServerAway,
)
from generation.engines.numbers import Reason, begin_at_zero, count_gpu_seconds
from generation.engines.registry import engine_named
from generation.models import Checkpoint, Image
from generation.queue import capacity, events, leases
from generation.queue.background import send
from generation.queue.batches import STOPPED, Batch, Finisher
from generation.queue.jobs import SourceGone, StoreAway, job_of, source_of
from generation.queue.ordering import bucket_of
from generation.queue.queries import cap_of, measured_caps, pools_waiting
from generation.queue.wakeup import wake_workers

DRAIN_SECONDS = 30.0
WARM_SECONDS = 20.0  # for so long others may be passed over for the checkpoint in memory
STEP_EVERY = 0.2  # seconds between two steps that are announced: a fast model takes more in the blink of an eye
PREVIEW_EVERY = 0.5
AWAY_FOR = timedelta(seconds=60)  # before an image is tried again whose source could not be read
TOO_LARGE = "This size needs more memory than the worker has. Choose a smaller one."
TOO_SLOW = "Drawing took too long. Choose fewer steps or a smaller size."
UNUSABLE = "This checkpoint cannot be used at the moment. Choose another one, or try again later."
BROKEN = "Something went wrong while this picture was drawn. Try it again; if it fails again, change its settings."
log = structlog.get_logger(__name__)


class Stopped(Exception):
    """Every image of the batch was cancelled."""


class TooSlow(Exception):
    """The time of the batch is up."""


def drain(*, pool: str, worker: str, seconds: float = DRAIN_SECONDS) -> int:
    """Draws batches of a pool until none is waiting or `seconds` have passed; returns how many images it drew."""
    drawn = 0
    with Finisher() as finisher, _Claims(pool, worker, time.monotonic() + seconds) as claims:
        while images := claims.take():
            log.info("batch_started", pool=pool, images=len(images), checkpoint=images[0].generation.checkpoint.slug)
            drawn += run_batch(images, finisher, on_last_step=claims.begin)
    return drawn


class _Claims:
    """The batches of one drain. The next is claimed while the pixels of the last are decoded: the device need not wait.

    Nothing is claimed once the time is up, but what is claimed is drawn.
    """

    def __init__(self, pool: str, worker: str, ends: float) -> None:
        self._pool, self._worker, self._ends = pool, worker, ends
        self._device = _engine_of(pool).device
        self._executor = None if connection.in_atomic_block else ThreadPoolExecutor(1, "claim")
        self._next: Future[list[Image]] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._executor is not None:
            self._executor.shutdown()
        if self._next is not None and self._next.exception() is None:
            Batch(self._next.result()).interrupt(STOPPED, Reason.STOPPED)

    def begin(self) -> None:
        """Begins to claim the next batch, if it was not begun."""
        if self._executor is not None and self._next is None and time.monotonic() < self._ends:
            self._next = self._executor.submit(self._claim_elsewhere)

    def take(self) -> list[Image]:
        """The next batch; none where nothing waits or the time is up."""
        begun, self._next = self._next, None
        if begun is not None:
            return begun.result()
        return self._claim() if time.monotonic() < self._ends else []

    def _claim_elsewhere(self) -> list[Image]:
        try:
            return self._claim()
        finally:
            connection.close()

    def _claim(self) -> list[Image]:
        cap = cap_of(measured_caps(self._device))
        images = leases.claim(pool=self._pool, worker=self._worker, cap=cap, at=timezone.now(), warm=_warm.known())
        if images and self._pool in pools_waiting(timezone.now()):
            wake_workers(self._pool)  # an idle one, which wakes the next: all are at work after moments
        return images


def warm_up(pools: Sequence[str]) -> None:
    """Loads the checkpoint of these pools that was used last, so that the first batch does not wait for it."""
    begin_at_zero(pools)
    usable = Checkpoint.objects.enabled().filter(pool__in=pools)
    latest = usable.annotate(used_at=Max("generations__submitted_at")).order_by(
        F("used_at").desc(nulls_last=True), "pk"
    )
    checkpoint = latest.first()
    if checkpoint is not None:
        try:
            engine_named(checkpoint.engine).load(source_of(checkpoint))
            _warm.use(checkpoint.pk)
        except (CheckpointError, ServerAway) as error:
            log.error("warm_up_failed", checkpoint=checkpoint.slug, error=str(error))
    connection.close()


@dataclass
class _WarmCheckpoint:
    """The checkpoint in memory. It is preferred for WARM_SECONDS; then the turn is whose it is."""

    checkpoint: int | None = None
    until: float = 0.0

    def use(self, checkpoint: int) -> bool:
        """Whether it was in memory already."""
        was_warm = checkpoint == self.checkpoint
        if not was_warm or time.monotonic() > self.until:
            self.checkpoint, self.until = checkpoint, time.monotonic() + WARM_SECONDS
        return was_warm

    def known(self) -> int | None:
        return self.checkpoint if time.monotonic() <= self.until else None


_warm = _WarmCheckpoint()


def run_batch(images: Sequence[Image], finisher: Finisher, on_last_step: Callable[[], None] = lambda: None) -> int:
    """Draws images that were leased together; returns how many were drawn (and handed to the finisher).

    `on_last_step` is called when the last step is done and the pixels are still to be decoded.
    """
    was_warm = _warm.use(images[0].generation.checkpoint_id)
    with ExitStack() as owner:
        batch = owner.enter_context(Batch(images))
        engine = engine_named(images[0].generation.checkpoint.engine)
        bucket = bucket_of(len(images)) if engine.pads else len(images)
        pictures = _drawn(engine, batch, bucket, on_last_step)
        if pictures is None:
            return 0
        if was_warm:
            _record_speed(batch)
        ran = {**engine.versions(), "checkpoint": images[0].generation.checkpoint.sha256}
        finisher.take(batch, pictures, owner, bucket, ran)
        return len(pictures)


def _engine_of(pool: str) -> Engine:
    """All checkpoints of a pool have one engine: registration sees to it."""
    names = Checkpoint.objects.enabled().filter(pool=pool).order_by("pk").values_list("engine", flat=True)
    return engine_named(names.first() or "diffusers")


def _drawn(engine: Engine, batch: Batch, bucket: int, on_last_step: Callable[[], None]) -> list[PIL.Image.Image] | None:
    """The pictures of a batch, or None where it failed: then every image of it is dealt with."""
    try:
        job = job_of(batch.images)
        with count_gpu_seconds(batch.pool, len(batch.images)):
            return engine.draw(job, on_step=_Steps(batch, on_last_step).on_step, pad_to=bucket)
    except Stopped:
        _fail_all(batch, "", None)
    except TooSlow:
        _fail_all(batch, _(TOO_SLOW), Reason.TOO_SLOW)
    except SourceGone as error:
        _fail_all(batch, str(error), Reason.SOURCE_GONE, is_final=len(batch.images) == 1)
    except NotSupported as error:
        _fail_all(batch, str(error), Reason.NOT_SUPPORTED, is_final=True)
    except OutOfMemory:
        _make_smaller(batch, engine.device)
    except CheckpointError as error:
        log.error("checkpoint_unusable", checkpoint=batch.images[0].generation.checkpoint.slug, error=str(error))
        _fail_all(batch, _(UNUSABLE), Reason.CHECKPOINT)
    except DeviceLost as error:
        # The context of the device is lost for good; the pool starts a new process.
        log.error("device_lost", error=str(error))
        batch.interrupt(STOPPED, Reason.DEVICE_LOST)
        os._exit(75)
    except (Error, StoreAway, ServerAway) as error:
        log.warning("batch_interrupted", error=str(error))
        if isinstance(error, Error):
            connection.close()
        batch.interrupt(STOPPED, Reason.SERVICE_AWAY, wait=AWAY_FOR)
    except Exception:  # whatever a checkpoint or its libraries raise costs an attempt, not the worker
        log.exception("batch_failed", images=[image.pk for image in batch.images])
        _fail_all(batch, _(BROKEN), Reason.BROKEN)
    return None


def _fail_all(batch: Batch, failure: str, reason: Reason | None, *, is_final: bool = False) -> None:
    for image in batch.images:
        batch.fail(image, failure, reason, is_final=is_final)


def _make_smaller(batch: Batch, device: str) -> None:
    """Half as many at a time from now on; one alone that does not fit is failed."""
    half = len(batch.images) // 2
    if half == 0:
        _fail_all(batch, _(TOO_LARGE), Reason.OUT_OF_MEMORY, is_final=True)
        return
    log.warning("out_of_memory", images=len(batch.images), now=half)
    capacity.lower_cap(batch.images, device=device, cap=half)
    batch.interrupt(STOPPED, Reason.OUT_OF_MEMORY)


def _record_speed(batch: Batch) -> None:
    first = batch.images[0]
    try:
        capacity.record_speed(
            worker=first.worker,
            pool=first.pool,
            cost=sum(image.cost_units for image in batch.images),
            seconds=time.monotonic() - batch.began,
            at=timezone.now(),
        )
    except Error as error:
        log.warning("speed_not_recorded", error=str(error))
        connection.close()


@dataclass
class _Steps:
    """What is done after each step of a running batch; nothing here waits for a broker or the database."""

    batch: Batch
    on_last_step: Callable[[], None]
    ends: float = field(default_factory=lambda: time.monotonic() + settings.BATCH_SECONDS)
    announced: float = 0.0
    previewed: float = 0.0

    def on_step(self, step: int, previews: PreviewSource) -> None:
        """Stops the batch if everybody cancelled or time is up, and publishes the progress."""
        wanted = self.batch.wanted()
        if not wanted:
            raise Stopped
        if time.monotonic() > self.ends:
            raise TooSlow
        if step == self.steps:
            self.on_last_step()
        # An engine that does not know its steps calls with 0.
        if step == 0 or (time.monotonic() - self.announced < STEP_EVERY and step != self.steps):
            return
        self.announced = time.monotonic()
        pictures: list[PIL.Image.Image] = []
        if time.monotonic() - self.previewed >= PREVIEW_EVERY:
            pictures, self.previewed = previews(), time.monotonic()
        send(partial(_publish, self.batch.images, wanted, step, self.steps, pictures))

    @cached_property
    def steps(self) -> int:
        """That are drawn: the same for every picture of a batch."""
        generation = self.batch.images[0].generation
        return generation.checkpoint.facts.drawn_steps(generation.steps, generation.strength)


def _publish(
    images: Sequence[Image], wanted: set[int], step: int, of: int, pictures: Sequence[PIL.Image.Image]
) -> None:
    sent: list[tuple[str, str, dict[str, Any]]] = []
    for number, image in enumerate(images):
        if image.pk not in wanted:
            continue
        generation = image.generation
        sent.append((generation.public_id, "step", {"image": image.public_id, "step": step, "of": of}))
        if pictures and not generation.was_doubtful:
            data = {"image": image.public_id, "webp": events.preview_uri(pictures[number])}
            sent.append((generation.public_id, "preview", data))
    events.publish_all(sent)
