"""Numbers of the whole site, read from PostgreSQL and Valkey when Prometheus asks. Beat serves them: there is one beat.

Every query is answered by a partial index of what is in work, however many pictures there are.
"""

from collections.abc import Callable, Iterator
from typing import Any, cast

import redis
from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.db.models import Count, Min
from django.utils import timezone
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from config import availability
from generation.models import PENDING, Checkpoint, Image, ImageState
from moderation.cases.alarms import count_pressed

QUEUES = ("default", "media", "moderation", "preview")


class SiteNumbers(Collector):
    """A part that does not answer is 0 in `salon_up`, and its numbers are left out."""

    def describe(self) -> list[Metric]:
        return []  # asking for the names must not ask the database

    def collect(self) -> Iterator[Metric]:
        try:
            yield _up()
            yield from _price()
            for family in (_queues, _states, _expired_leases, _cases, _connections):
                yield from _unless_away(family)
            yield from _unless_away(_tasks)
        finally:
            if not connection.in_atomic_block:
                connection.close()  # Prometheus asks from a thread of its own each time


def _unless_away(family: Callable[[], list[Metric]]) -> list[Metric]:
    try:
        return family()
    except (DatabaseError, redis.RedisError):
        return []


def _up() -> Metric:
    up = GaugeMetricFamily("salon_up", "Whether a part that all processes share answers", labels=["part"])
    troubles = {
        "database": availability.database_trouble,
        "valkey": availability.valkey_trouble,
        "store": availability.store_trouble,
    }
    for part, trouble in troubles.items():
        up.add_metric([part], float(trouble() is None))
    return up


def _price() -> list[Metric]:
    """None where the operator named none: then there is no cost of a picture either."""
    price = settings.GPU_HOUR_PRICE
    return [GaugeMetricFamily("salon_gpu_hour_price", "What one GPU costs an hour", price)] if price else []


def _queues() -> list[Metric]:
    """By pool; a pool where nothing waits is 0, so that its workers are scaled down."""
    now = timezone.now()
    waiting = GaugeMetricFamily("salon_queue_images", "Images that wait to be drawn", labels=["pool"])
    oldest = GaugeMetricFamily("salon_queue_oldest_seconds", "How long the oldest of them has waited", labels=["pool"])
    rows = Image.objects.filter(state=ImageState.QUEUED).order_by().values("pool")
    found = {row["pool"]: row for row in rows.annotate(images=Count("pk"), since=Min("queued_at"))}
    for pool in sorted({*Checkpoint.objects.order_by().values_list("pool", flat=True).distinct(), *found}):
        row = found.get(pool)
        waiting.add_metric([pool], row["images"] if row else 0)
        oldest.add_metric([pool], max(0.0, (now - row["since"]).total_seconds()) if row else 0)
    return [waiting, oldest]


def _states() -> list[Metric]:
    images = GaugeMetricFamily("salon_images", "Images that are neither ready nor given up, by state", labels=["state"])
    rows = Image.objects.pending().order_by().values_list("state").annotate(Count("pk"))
    found = dict(rows)
    for state in PENDING:
        images.add_metric([state.value], found.get(state.value, 0))
    return [images]


def _expired_leases() -> list[Metric]:
    expired = Image.objects.filter(lease_expires_at__lt=timezone.now(), state__in=["leased", "screening"]).count()
    return [
        GaugeMetricFamily("salon_leases_expired", "Images whose worker fell silent and that wait for beat", expired)
    ]


def _cases() -> list[Metric]:
    cases = GaugeMetricFamily("salon_cases_due", "Cases near their legal deadline, or past it", labels=["state"])
    for state, number in count_pressed(timezone.now()).items():
        cases.add_metric([state], number)
    return [cases]


def _connections() -> list[Metric]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        (used,) = cursor.fetchone()
        cursor.execute("SHOW max_connections")
        (most,) = cursor.fetchone()
    return [
        GaugeMetricFamily("salon_database_connections", "Connections to the database", used),
        GaugeMetricFamily("salon_database_connections_max", "How many the server accepts", int(most)),
    ]


def _tasks() -> list[Metric]:
    client: redis.Redis = cast(Any, cache)._cache.get_client()
    tasks = GaugeMetricFamily("salon_tasks_waiting", "Messages that wait for a worker", labels=["queue"])
    for queue in QUEUES:
        tasks.add_metric([queue], client.llen(queue))
    return [tasks]
