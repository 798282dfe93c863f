"""Draws batches on one GPU: claims leases, calls the engine, writes the files, then updates the rows.

A thread renews the leases while their batch runs. Whatever ends this process, the leases run out and another worker
draws the images again; a result that comes after that finds its lease lost and is dropped.
"""

import os
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import PIL.Image
import structlog
from django.conf import settings
from django.db import connection
from django.db.models import F, Max
from django.utils import timezone

from generation.engines.base import CheckpointError, DeviceLost, OutOfMemory, PreviewSource
from generation.engines.diffusers.cache import pipeline_cache
from generation.engines.diffusers.drawing import draw
from generation.engines.diffusers.loading import device, versions
from generation.media import storage
from generation.models import Checkpoint, Image
from generation.parameters import Parameters
from generation.queue import events, leases, screening
from generation.queue.batching import bucket_of, default_cap
from generation.queue.jobs import job_of, source_of
from generation.queue.ordering import Candidate

DRAIN_SECONDS = 30.0
PREVIEW_EVERY = 0.5
TOO_LARGE = "This size needs more memory than the worker has. Choose a smaller one."
log = structlog.get_logger(__name__)
_caps: dict[str, int] = {}  # batch key → what fitted after a batch ran out of memory


class Stopped(Exception):
    """Every image of the batch was cancelled, or its time is up."""


def drain(*, pool: str, worker: str, seconds: float = DRAIN_SECONDS) -> int:
    """Draws batches of a pool until none is waiting or `seconds` have passed; returns how many images it drew."""
    ends, drawn = time.monotonic() + seconds, 0
    with _Finisher() as finisher:
        while time.monotonic() < ends:
            images = leases.claim(pool=pool, worker=worker, cap=_cap, at=timezone.now(), warm=_warm())
            if not images:
                break
            log.info("batch_started", pool=pool, images=len(images), checkpoint=images[0].generation.checkpoint.slug)
            drawn += run_batch(images, finisher)
    return drawn


def warm_up(pools: Sequence[str]) -> None:
    """Loads the checkpoint of these pools that was used last, so that the first batch does not wait for it."""
    usable = Checkpoint.objects.enabled().filter(pool__in=pools)
    latest = usable.annotate(used_at=Max("generations__submitted_at")).order_by(
        F("used_at").desc(nulls_last=True), "pk"
    )
    checkpoint = latest.first()
    if checkpoint is not None:
        try:
            pipeline_cache().get(source_of(checkpoint))
            _last_checkpoint[:] = [checkpoint.pk]
        except CheckpointError as error:
            log.error("warm_up_failed", checkpoint=checkpoint.slug, error=str(error))
    connection.close()


def _cap(candidate: Candidate) -> int:
    best = default_cap(candidate.cost)
    return min(best, _caps.get(candidate.key, best))


_last_checkpoint: list[int] = []


def _warm() -> int | None:
    return _last_checkpoint[-1] if _last_checkpoint else None


def run_batch(images: Sequence[Image], finisher: "_Finisher") -> int:
    """Draws images that were leased together; returns how many were drawn (and handed to the finisher)."""
    batch = _Batch(list(images))
    _last_checkpoint[:] = [images[0].generation.checkpoint_id]
    heartbeat = _Heartbeat(batch.leases)
    try:
        pictures = draw(job_of(images), on_step=batch.on_step, pad_to=batch.bucket)
    except Stopped as reason:
        _let_go(batch, str(reason))
    except OutOfMemory:
        try:
            return _halve(images, finisher)
        finally:
            heartbeat.stop()
    except DeviceLost as error:
        # The context of the device is lost for good. Leases recover the images, the pool a new process.
        log.error("device_lost", error=str(error))
        os._exit(75)
    except Exception as error:  # whatever a checkpoint or its libraries raise costs an attempt, not the worker
        log.exception("batch_failed", images=[image.pk for image in images])
        _let_go(batch, f"This picture could not be made ({type(error).__name__}).")
    else:
        finisher.finish(batch, pictures, heartbeat)
        return len(pictures)
    heartbeat.stop()
    return 0


def _halve(images: Sequence[Image], finisher: "_Finisher") -> int:
    """Tries again with half as many at a time, and remembers; one alone that does not fit is failed."""
    half = len(images) // 2
    if half == 0:
        leases.fail(image_id=images[0].pk, lease_no=images[0].lease_no, failure=TOO_LARGE)
        events.publish_states([images[0].pk])
        return 0
    _caps[images[0].batch_key] = half
    log.warning("out_of_memory", images=len(images), now=half)
    return run_batch(images[:half], finisher) + run_batch(images[half:], finisher)


def _let_go(batch: "_Batch", failure: str) -> None:
    for image in batch.images:
        leases.give_back(image_id=image.pk, lease_no=image.lease_no, failure=failure, at=timezone.now())
    events.publish_states([image.pk for image in batch.images])


@dataclass
class _Batch:
    """What the step callback of a running batch needs."""

    images: list[Image]
    deadline: float = field(default_factory=lambda: time.monotonic() + settings.BATCH_SECONDS)
    previewed: float = 0.0

    @property
    def leases(self) -> list[leases.Lease]:
        return [(image.pk, image.lease_no) for image in self.images]

    @property
    def bucket(self) -> int:
        """Padded to few shapes on an accelerator, which compiles per shape; a CPU would only draw more."""
        return len(self.images) if device() == "cpu" else bucket_of(len(self.images))

    def on_step(self, step: int, previews: PreviewSource) -> None:
        """After each step of the batch: stops it if everybody cancelled or time is up, and publishes the progress."""
        cancelled = set(
            Image.objects.filter(pk__in=[image.pk for image in self.images], is_cancel_requested=True).values_list(
                "pk", flat=True
            )
        )
        if len(cancelled) == len(self.images):
            raise Stopped("")
        if time.monotonic() > self.deadline:
            raise Stopped("Drawing took too long.")
        self._publish(step, previews, cancelled)

    def _publish(self, step: int, previews: PreviewSource, cancelled: set[int]) -> None:
        is_time = time.monotonic() - self.previewed >= PREVIEW_EVERY
        pictures = previews() if is_time else []
        if is_time:
            self.previewed = time.monotonic()
        for number, image in enumerate(self.images):
            if image.pk in cancelled:
                continue
            public_id, generation = image.public_id, image.generation
            events.publish(generation.public_id, "step", {"image": public_id, "step": step, "of": generation.steps})
            if pictures and not generation.was_doubtful:
                data = {"image": public_id, "webp": events.preview_uri(pictures[number])}
                events.publish(generation.public_id, "preview", data)


class _Heartbeat:
    """Renews leases every quarter of their length until it is stopped."""

    def __init__(self, held: Sequence[tuple[int, int]]) -> None:
        self._held = held
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="leases", daemon=True)
        self._thread.start()

    def _beat(self) -> None:
        try:
            while not self._stopped.wait(settings.LEASE_SECONDS / 4):
                leases.renew(leases=self._held, at=timezone.now())
        finally:
            connection.close()

    def stop(self) -> None:
        self._stopped.set()


class _Finisher:
    """Encodes and writes the pictures of one batch while the next is drawn; leaving the block waits for it.

    Inside a transaction (a test) it works at once: another connection would not see the rows.
    """

    def __init__(self) -> None:
        self._executor = None if connection.in_atomic_block else ThreadPoolExecutor(1, "finisher")
        self._running: Future[None] | None = None

    def __enter__(self) -> "_Finisher":
        return self

    def __exit__(self, *_exception: object) -> None:
        self._wait()
        if self._executor is not None:
            self._executor.shutdown()

    def finish(self, batch: _Batch, pictures: Sequence[PIL.Image.Image], heartbeat: _Heartbeat) -> None:
        self._wait()  # one batch in flight at most: pictures of many would fill the memory
        if self._executor is None:
            _finish(batch, pictures, heartbeat)
        else:
            self._running = self._executor.submit(_finish_and_close, batch, pictures, heartbeat)

    def _wait(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            running.result()


def _finish_and_close(batch: _Batch, pictures: Sequence[PIL.Image.Image], heartbeat: _Heartbeat) -> None:
    try:
        _finish(batch, pictures, heartbeat)
    finally:
        connection.close()


def _finish(batch: _Batch, pictures: Sequence[PIL.Image.Image], heartbeat: _Heartbeat) -> None:
    """Files first, then the row; where the lease is lost, the files are deleted again."""
    try:
        ran = {**versions(), "checkpoint": batch.images[0].generation.checkpoint.sha256}
        for image, picture in zip(batch.images, pictures, strict=True):
            if _keep(image, picture, batch.bucket, ran):
                screening.request_check(image.pk)  # the row is committed: we are in no transaction here
            else:
                log.warning("result_dropped", image=image.pk, lease_no=image.lease_no)
    finally:
        heartbeat.stop()
        leases.drop_cancelled(leases=batch.leases)
        events.publish_states([image.pk for image in batch.images])


def _keep(image: Image, picture: PIL.Image.Image, bucket: int, ran: dict[str, str]) -> bool:
    prefix = storage.prefix_of(image_id=image.pk, lease_no=image.lease_no)
    parameters = Parameters.of(image, versions=ran)
    outputs = storage.write_outputs(prefix=prefix, picture=picture, parameters=parameters, public_id=image.public_id)
    if leases.finish(image_id=image.pk, lease_no=image.lease_no, outputs=outputs, bucket=bucket, versions=ran):
        return True
    storage.delete_prefix(prefix)
    return False
