"""Celery tasks of the queue. A message only says that there may be work; PostgreSQL holds what it is.

Nothing here imports torch: the parent of a GPU worker loads this module, and only its pool process, which runs
`drain`, goes on to import an engine. That is why `worker` is imported inside functions.
"""

import socket
from typing import Any

import structlog
from celery import Task, shared_task
from celery.signals import celeryd_after_setup, worker_process_init
from django.utils import timezone
from django.utils.translation import gettext as _

from generation.media import garbage, measuring
from generation.queue import events, leases, queries, screening, wakeup

INTERRUPTED = "The machine stopped several times while this picture was drawn. Try it again later."
log = structlog.get_logger(__name__)
_pools: list[str] = []  # of this worker; set in the parent, inherited by the pool process


# acks_late=False: a drain that dies must not be repeated by the broker. Leases return the images, beat wakes again.
@shared_task(name="generation.drain", bind=True, acks_late=False, reject_on_worker_lost=False, ignore_result=True)
def drain(self: "Task[..., None]", pool: str) -> None:
    """Draws what waits in a pool for at most half a minute, then wakes the workers again if there is more."""
    from generation.queue import worker

    wakeup.clear_wakeup(pool)
    worker.drain(pool=pool, worker=f"{self.request.hostname or socket.gethostname()}:{pool}")
    if pool in queries.pools_waiting(timezone.now()):
        wakeup.wake_workers(pool)


@shared_task(name="generation.screen", ignore_result=True)
def screen(image_id: int) -> None:
    screening.check_image(image_id=image_id)


@shared_task(name="generation.check_upload", ignore_result=True)
def check_upload(upload_id: int) -> None:
    screening.check_upload(upload_id=upload_id)


@shared_task(name="generation.screen_pending", ignore_result=True)
def screen_pending() -> None:
    """Requests every waiting check again, in case a message was lost; running ones are left alone by their state."""
    for image_id in screening.unchecked_ids():
        screening.request_check(image_id)
    for upload_id in screening.unchecked_uploads(timezone.now()):
        check_upload.delay(upload_id)


@shared_task(name="generation.ring_pending", ignore_result=True)
def wake_pending() -> None:
    """Wakes the workers of every pool that has work, in case a message was lost."""
    for pool in queries.pools_waiting(timezone.now()):
        wakeup.wake_workers(pool)


@shared_task(name="generation.reap_leases", ignore_result=True)
def reap_leases() -> None:
    ended = leases.reap(at=timezone.now(), failure=_(INTERRUPTED))
    events.publish_states(ended)


@shared_task(name="generation.sweep_orphans", ignore_result=True)
def collect_garbage(first_id: int = 0) -> None:
    """Deletes files that no row names, a key range at a time, and goes on with the next range."""
    following = garbage.collect_garbage(first_id=first_id, at=timezone.now())
    if following is not None:
        collect_garbage.delay(following)


@shared_task(name="generation.measure_pictures", ignore_result=True)
def measure_pictures(first_id: int = 0) -> None:
    """Measures what was drawn before pictures were measured, a range at a time."""
    following = measuring.measure_pictures(first_id=first_id)
    if following is not None:
        measure_pictures.delay(following)


@shared_task(name="generation.delete_drafts", ignore_result=True)
def delete_drafts() -> None:
    garbage.delete_drafts(at=timezone.now())


@celeryd_after_setup.connect
def _remember_pools(sender: str, instance: Any, **_kwargs: Any) -> None:
    names = instance.app.amqp.queues.consume_from
    _pools[:] = sorted(name.removeprefix("gpu.") for name in names if name.startswith("gpu."))


@worker_process_init.connect
def _warm_up(**_kwargs: Any) -> None:
    """A GPU pool process loads its models before it takes work; the others never import torch."""
    if _pools:
        from generation.queue import worker

        worker.warm_up(_pools)
