"""The doorbell and the place in the queue: PostgreSQL holds the work, a message only says that there is some."""

from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db.models import Avg, DurationField, ExpressionWrapper, F, Q

from generation.models import Image, ImageState

RUNG_SECONDS = 10  # a bell that was rung is not rung again before it is answered, or this long


def ring(pool: str) -> None:
    """Wakes a worker of `pool`; call after the commit. Ringing twice is one message, losing it costs seconds."""
    from generation.queue.tasks import drain  # tasks is built on services, which rings

    if cache.add(f"rung:{pool}", 1, timeout=RUNG_SECONDS):
        drain.apply_async(kwargs={"pool": pool}, queue=f"gpu.{pool}", expires=60)


def answered(pool: str) -> None:
    cache.delete(f"rung:{pool}")


def pools_waiting(at: datetime) -> list[str]:
    """The pools that have something to draw now."""
    waiting = Image.objects.filter(state=ImageState.QUEUED, not_before__lte=at)
    return sorted(waiting.order_by().values_list("pool", flat=True).distinct())


def place_in_queue(image: Image, *, at: datetime) -> dict[str, Any]:
    """``{"place": 1 or more, "eta_s": seconds or None}`` of a queued image, by age among its pool."""
    before = Q(queued_at__lt=image.queued_at) | Q(queued_at=image.queued_at, pk__lt=image.pk)
    ahead = Image.objects.filter(before, pool=image.pool, state=ImageState.QUEUED).count()
    running = Image.objects.filter(pool=image.pool, state=ImageState.LEASED).count()
    recent = Image.objects.filter(pool=image.pool, state=ImageState.READY, ready_at__gt=at - timedelta(hours=1))
    share = ExpressionWrapper((F("ready_at") - F("started_at")) / F("bucket"), output_field=DurationField())
    each = recent.aggregate(time=Avg(share))["time"]
    eta = None if each is None else round((ahead + running + 1) * each.total_seconds())
    return {"place": ahead + 1, "eta_s": eta}
