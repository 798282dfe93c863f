"""Wakes the workers of a pool. PostgreSQL holds the work; a message only says that there is some."""

from celery import current_app
from django.core.cache import cache

WAKEUP_SECONDS = 10  # no second message is sent before a worker cleared the first, or before this long


def wake_workers(pool: str) -> None:
    """Sends one wake-up to a pool; call after the commit. Idempotent, and losing it costs seconds."""
    if cache.add(_key(pool), 1, timeout=WAKEUP_SECONDS):
        # By name: the module of the task imports this one.
        current_app.send_task("generation.drain", kwargs={"pool": pool}, queue=f"gpu.{pool}", expires=60)


def clear_wakeup(pool: str) -> None:
    """A worker of the pool is awake: the next call of `wake_workers` sends a message again."""
    cache.delete(_key(pool))


def _key(pool: str) -> str:
    return f"rung:{pool}"  # a contract: processes of two versions share it while a site is updated
