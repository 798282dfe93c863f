"""Wakes the workers of a pool. PostgreSQL holds the work; a message only says that there is some."""

import redis
import structlog
from celery import current_app
from django.core.cache import cache
from kombu.exceptions import OperationalError

WAKEUP_SECONDS = 10  # no second message is sent before a worker cleared the first, or before this long

log = structlog.get_logger(__name__)


def wake_workers(pool: str) -> None:
    """Sends one wake-up to a pool; call after the commit. Idempotent.

    A broker that is away is logged and no error: beat wakes the pool again once it is back.
    """
    try:
        if cache.add(_key(pool), 1, timeout=WAKEUP_SECONDS):
            # By name: the module of the task imports this one.
            current_app.send_task("generation.drain", kwargs={"pool": pool}, queue=f"gpu.{pool}", expires=60)
    except (redis.RedisError, OperationalError, OSError) as error:
        log.warning("wake_up_lost", pool=pool, error=str(error))


def clear_wakeup(pool: str) -> None:
    """A worker of the pool is awake: the next call of `wake_workers` sends a message again."""
    try:
        cache.delete(_key(pool))
    except redis.RedisError as error:
        log.warning("wake_up_not_cleared", pool=pool, error=str(error))


def _key(pool: str) -> str:
    return f"rung:{pool}"  # a contract: processes of two versions share it while a site is updated
