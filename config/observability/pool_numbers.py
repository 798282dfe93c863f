"""The database pools of web processes (DATABASE_POOL_SIZE), looked at every few seconds."""

import threading

from django.conf import settings
from django.db import connection
from prometheus_client import Counter, Gauge

from config.observability.serving import forget_ended_processes

EVERY_SECONDS = 5.0
SIZE = Gauge("salon_database_pool_size", "Connections that the pools hold", multiprocess_mode="livesum")
IDLE = Gauge("salon_database_pool_idle", "Those of them that nobody uses", multiprocess_mode="livesum")
WAITING = Gauge("salon_database_pool_waiting", "Requests that wait for a connection", multiprocess_mode="livesum")
WAITED = Counter("salon_database_pool_wait_seconds", "Seconds that requests waited for a connection")
ERRORS = Counter("salon_database_pool_errors", "Requests that got no connection in time")


def start() -> None:
    """Begins to look, from a thread; returns at once. Without a pool there is nothing to see."""
    if settings.DATABASE_POOL_SIZE:
        threading.Thread(target=_look_for_ever, name="pool numbers", daemon=True).start()


def look() -> None:
    """Takes one look at the pool of this process."""
    stats = connection.pool.pop_stats()  # type: ignore[attr-defined] # of the PostgreSQL backend; counts since the last look
    SIZE.set(stats.get("pool_size", 0))
    IDLE.set(stats.get("pool_available", 0))
    WAITING.set(stats.get("requests_waiting", 0))
    WAITED.inc(stats.get("requests_wait_ms", 0) / 1000)
    ERRORS.inc(stats.get("requests_errors", 0))


def _look_for_ever() -> None:
    while True:
        look()
        forget_ended_processes()
        threading.Event().wait(EVERY_SECONDS)
