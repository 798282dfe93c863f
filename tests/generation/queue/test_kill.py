"""SIGKILL in the middle of a batch: nothing is lost, nothing arrives twice.

A real Celery worker draws; this test plays beat (reaping leases, waking workers), with leases of eight seconds.
"""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis
from django.conf import settings
from django.utils import timezone

from accounts.models import User
from config.local.processes import Guarded
from generation import services
from generation.media import storage
from generation.models import Checkpoint, Generation, Image, ImageState
from generation.queue import events, leases, queries, screening, wakeup
from tests import processes

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600), pytest.mark.long]
WAIT_SECONDS = 250  # imports of torch on a busy machine


@contextlib.contextmanager
def _worker(folder: Path, name: str) -> Iterator[Guarded]:
    with processes.worker(name, "gpu.default", folder, VAR_DIR=str(folder), LEASE_SECONDS="8") as service:
        yield service


def _celery(service: Guarded) -> psutil.Process:
    """The parent of the pool, below the guard."""
    return psutil.Process(service.process.pid).children()[0]


def _pool(service: Guarded) -> psutil.Process:
    return _celery(service).children()[0]


class Stream:
    """Waits on the events of one generation; each wait plays beat once."""

    def __init__(self, generation: Generation) -> None:
        self.client = redis.Redis.from_url(settings.REDIS_URL)
        self.name, self.last = events.stream_of(generation.public_id), "0"
        self.steps = 0

    def until(self, is_true: Callable[[], bool]) -> None:
        ends = time.monotonic() + WAIT_SECONDS
        while not is_true():
            assert time.monotonic() < ends, "nothing happened for too long"
            assert not Image.objects.filter(state=ImageState.FAILED).exists()
            leases.reap(at=timezone.now(), failure="The worker was killed.")
            if queries.pools_waiting(timezone.now()):
                wakeup.wake_workers("default")
            received: Any = self.client.xread({self.name: self.last}, block=250)
            for entry, fields in received[0][1] if received else []:
                self.last = entry.decode()
                self.steps += fields[b"event"] == b"step"


def _submit(author: User) -> tuple[Generation, Stream]:
    generation = services.submit_generation(
        author=author, prompt="a cat on a red background", checkpoint="tiny", count=2, steps=12, idempotency_key="k"
    )
    return generation, Stream(generation)


def _drawn(generation: Generation) -> bool:
    return generation.images.filter(state=ImageState.GENERATED).count() == 2


def _assert_each_arrived_once(generation: Generation) -> None:
    for image in generation.images.all():
        assert (image.attempts, image.interruptions) == (0, 1)
        assert image.prefix == f"images/{image.pk}/{image.lease_no}"
        assert storage.folders(f"images/{image.pk}") == [str(image.lease_no)]
        assert screening.check_image(image_id=image.pk) == ImageState.READY
        assert screening.check_image(image_id=image.pk) is None
    assert Image.objects.count() == 2


def test_a_killed_pool_process_loses_nothing(
    alice: User, tiny_checkpoint: Checkpoint, media: Path, tmp_path: Path
) -> None:
    with _worker(tmp_path, "gpu") as service:
        first = _pool(service)
        generation, stream = _submit(alice)
        stream.until(lambda: stream.steps > 0)
        os.kill(first.pid, signal.SIGKILL)
        assert not _drawn(generation)
        stream.until(lambda: _drawn(generation))
        assert _pool(service).pid != first.pid
        assert _celery(service).is_running()
    _assert_each_arrived_once(generation)


def test_a_killed_worker_loses_nothing(alice: User, tiny_checkpoint: Checkpoint, media: Path, tmp_path: Path) -> None:
    with _worker(tmp_path, "gpu") as service:
        generation, stream = _submit(alice)
        stream.until(lambda: stream.steps > 0)
        for process in (_celery(service), *_celery(service).children()):
            os.kill(process.pid, signal.SIGKILL)
        service.process.wait(timeout=30)
    assert not _drawn(generation)
    with _worker(tmp_path, "replacement"):
        stream.until(lambda: _drawn(generation))
    _assert_each_arrived_once(generation)


def test_the_parent_of_a_worker_never_imports_torch() -> None:
    done = processes.manage(
        "shell", "-v", "0", "-c",
        "import sys; from config.celery import app; app.loader.import_default_modules(); "
        "print(bool(app.tasks['generation.drain']), 'torch' in sys.modules, 'diffusers' in sys.modules)",
    )  # fmt: skip
    assert done.stdout.split() == ["True", "False", "False"], done.stderr
