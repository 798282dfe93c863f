"""A batch owns its leases from claim until every picture is stored or given back.

Whoever holds the batch closes it, whatever happens: its renewals stop, and what is still leased goes back to the queue.
"""

import os
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from typing import Any, Self

import PIL.Image
import structlog
import tenacity
from django.conf import settings
from django.db import Error, connection
from django.utils import timezone
from django.utils.translation import gettext as _

from generation.engines.numbers import IMAGES_SETTLED, Reason, count_failures
from generation.media import encoding, storage
from generation.models import Image, ImageState
from generation.parameters import Parameters
from generation.queue import events, leases, screening
from generation.queue.background import send

CHECK_SECONDS = 0.2  # between two looks at who cancelled
STOPPED = "The machine stopped while this picture was drawn."
NOT_STORED = "This picture was drawn, but could not be stored for a long time. Try it again later."
NOT_ENCODED = "This picture could not be saved. Try it again, or choose another size."
log = structlog.get_logger(__name__)


class Batch:
    """Images that were leased together.

    A thread renews the leases and looks who cancelled, so that drawing waits for neither. Inside a transaction (a
    test) there is no thread, because another connection would not see the rows.
    """

    def __init__(self, images: Sequence[Image]) -> None:
        self.images = list(images)
        self.pool = images[0].pool if images else ""  # nothing was claimed
        self.began = time.monotonic()
        self.ends = self.began + settings.BATCH_SECONDS + settings.STORE_SECONDS
        self._left = {image.pk: image.lease_no for image in images}
        self._wanted = set(self._left)
        self._closed, self._asked = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        if not connection.in_atomic_block:
            self._thread = threading.Thread(target=self._look_after, name="leases", daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._closed.set()
        self._asked.set()
        self.interrupt(STOPPED, Reason.STOPPED)

    @property
    def leases(self) -> list[leases.Lease]:
        """What is neither stored nor given back."""
        return list(self._left.items())

    def wanted(self) -> set[int]:
        """The images that nobody cancelled and that are still ours, as far as is known; asks to look again."""
        if self._thread is None:
            self._look()
        self._asked.set()
        return self._wanted & set(self._left)

    def settle(self, image: Image) -> None:
        """This image is stored, or somebody else's: the batch holds it no more."""
        self._left.pop(image.pk, None)
        send(partial(events.publish_states, [image.pk]))

    def fail(self, image: Image, failure: str, reason: Reason | None, *, is_final: bool = False) -> None:
        """The picture itself failed: it is tried again, alone, unless that is final. No reason: it was cancelled."""
        lease: dict[str, Any] = {"image_id": image.pk, "lease_no": image.lease_no, "failure": failure}
        if is_final:
            is_over = leases.fail(**lease)
        else:
            is_over = leases.give_back(**lease, at=timezone.now()) == ImageState.FAILED
        if reason is not None:
            count_failures(self.pool, reason)
        if is_over:
            IMAGES_SETTLED.labels(ImageState.FAILED.value).inc()
        self.settle(image)

    def interrupt(self, failure: str, reason: Reason, *, wait: timedelta = timedelta(0)) -> None:
        """Gives back what is left, to be drawn after `wait`: it was the machine, not the pictures.

        Without a database the leases run out.
        """
        held, self._left = self.leases, {}
        if not held:
            return
        count_failures(self.pool, reason, len(held))
        try:
            leases.interrupt(leases=held, failure=failure, at=timezone.now() + wait)
        except Error as error:
            log.warning("leases_not_given_back", images=[image for image, _lease in held], error=str(error))
            connection.close()
        send(partial(events.publish_states, [image for image, _lease in held]))

    def _look(self) -> None:
        self._wanted = leases.wanted(leases=self.leases)

    def _look_after(self) -> None:
        """Renews the leases until the batch is closed or its time is up; an error is tried again."""
        renew_at = self.began + settings.LEASE_SECONDS / 4
        while not self._closed.is_set() and time.monotonic() < self.ends:
            self._asked.wait(max(0.0, min(renew_at, self.ends) - time.monotonic()))
            self._asked.clear()
            try:
                if time.monotonic() >= renew_at:
                    leases.renew(leases=self.leases, at=timezone.now())
                    renew_at = time.monotonic() + settings.LEASE_SECONDS / 4
                if not self._closed.wait(CHECK_SECONDS):
                    self._look()
            except Error as error:
                log.warning("leases_not_renewed", error=str(error))
                connection.close()
                self._closed.wait(1.0)
        connection.close()


class Finisher:
    """Encodes and stores pictures while the next batch is drawn; leaving the block waits for them.

    Pictures are kept and tried again while the store or the database is away, until STORE_SECONDS have passed. At
    most KEPT_PICTURE_BYTES of pixels wait; then drawing waits as well. Inside a transaction (a test) it works at once.
    """

    def __init__(self) -> None:
        threads = max(1, min(8, (os.cpu_count() or 2) // 2))
        self._executor = None if connection.in_atomic_block else ThreadPoolExecutor(threads, "finisher")
        self._running: dict[Future[None], int] = {}  # and the bytes that each keeps

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._wait_until(0)
        if self._executor is not None:
            self._executor.shutdown()

    def take(
        self, batch: Batch, pictures: Sequence[PIL.Image.Image], owner: ExitStack, bucket: int, ran: dict[str, str]
    ) -> None:
        """Stores the pictures of a batch; its `owner` is emptied, and closed after the last of them."""
        if len(pictures) != len(batch.images):
            raise ValueError(f"{len(pictures)} pictures for {len(batch.images)} images")
        size = sum(picture.width * picture.height * 3 for picture in pictures)
        self._wait_until(max(0, settings.KEPT_PICTURE_BYTES - size))
        end = time.monotonic() + settings.STORE_SECONDS
        rest = _Countdown(len(pictures), owner.pop_all())
        for image, picture in zip(batch.images, pictures, strict=True):
            store = partial(_finish, batch, image, picture, bucket, ran, end, rest)
            if self._executor is None:
                store()
            else:
                self._running[self._executor.submit(store)] = size // len(pictures)

    def _wait_until(self, most: int) -> None:
        """Waits until at most so many bytes are kept. A store that never answers ends this process."""
        limit = time.monotonic() + settings.STORE_SECONDS + settings.LEASE_SECONDS
        while True:
            self._running = {future: kept for future, kept in self._running.items() if not future.done()}
            if sum(self._running.values()) <= most:
                return
            if time.monotonic() > limit:
                log.error("store_does_not_answer", pictures=len(self._running))
                os._exit(75)  # leases recover the images, the pool a new process
            wait(self._running, timeout=1.0, return_when="FIRST_COMPLETED")


class _Countdown:
    """Closes the owner of a batch when the last of its pictures is dealt with."""

    def __init__(self, count: int, owner: ExitStack) -> None:
        self._count, self._owner, self._lock = count, owner, threading.Lock()

    def one_less(self) -> None:
        with self._lock:
            self._count -= 1
            is_last = self._count == 0
        if is_last:
            self._owner.close()


def _finish(
    batch: Batch, image: Image, picture: PIL.Image.Image, bucket: int, ran: dict[str, str], end: float, rest: _Countdown
) -> None:
    """One picture to its end; whatever it raises concerns no other."""
    try:
        encoded = encoding.encode(picture, Parameters.of(image, versions=ran), public_id=image.public_id)
    except Exception:  # whatever an encoder raises costs this picture an attempt
        log.exception("encoding_failed", image=image.pk)
        encoded = None
    try:
        for attempt in _until(end):
            with attempt:
                if encoded is None:
                    batch.fail(image, _(NOT_ENCODED), Reason.NOT_ENCODED)
                else:
                    _keep(batch, image, encoded, bucket, ran)
    except Exception:  # it was away for longer than anybody waits
        log.exception("picture_not_stored", image=image.pk)
        _give_up(batch, image)
    finally:
        rest.one_less()
        if not connection.in_atomic_block:
            connection.close()


def _until(end: float) -> tenacity.Retrying:
    """Tries again, ever more slowly, until `end` on the monotonic clock."""

    def again(state: tenacity.RetryCallState) -> None:
        log.warning(
            "store_tried_again", attempt=state.attempt_number, error=str(state.outcome and state.outcome.exception())
        )
        connection.close()

    return tenacity.Retrying(
        stop=lambda _state: connection.in_atomic_block or time.monotonic() > end,
        wait=tenacity.wait_random_exponential(multiplier=0.5, max=10),
        before_sleep=again,
        reraise=True,
    )


def _keep(batch: Batch, image: Image, encoded: encoding.Encoded, bucket: int, ran: dict[str, str]) -> None:
    """Files first, then the row; where the lease is lost, the files are deleted again."""
    prefix = storage.prefix_of(image_id=image.pk, lease_no=image.lease_no)
    outputs = storage.write_encoded(prefix=prefix, encoded=encoded)
    if leases.finish(image_id=image.pk, lease_no=image.lease_no, outputs=outputs, bucket=bucket, versions=ran):
        send(partial(screening.request_check, image.pk))
    else:
        log.warning("result_dropped", image=image.pk, lease_no=image.lease_no)
        leases.drop_cancelled(leases=[(image.pk, image.lease_no)])
        storage.delete_prefix(prefix)
    batch.settle(image)


def _give_up(batch: Batch, image: Image) -> None:
    count_failures(batch.pool, Reason.NOT_STORED)
    try:
        leases.interrupt(leases=[(image.pk, image.lease_no)], failure=_(NOT_STORED), at=timezone.now())
    except Error as error:
        log.warning("lease_not_given_back", image=image.pk, error=str(error))
    batch.settle(image)
