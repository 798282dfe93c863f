"""Reads of the queue: what waits, who was served how much, and when an image's turn comes."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Avg, DurationField, ExpressionWrapper, F, Q, Sum, Window
from django.db.models.functions import RowNumber

from generation.models import Image, ImageState
from generation.queue.ordering import Candidate

PER_MEMBER, WINDOW = 16, 512  # how much of the queue one choice looks at
SERVED_WITHIN = timedelta(minutes=10)


def queued_candidates(pool: str, at: datetime) -> list[Candidate]:
    """What one choice looks at: the oldest images of a pool, at most PER_MEMBER of each member."""
    turn = Window(RowNumber(), partition_by="author_id", order_by=["queued_at", "pk"])
    waiting = Image.objects.filter(state=ImageState.QUEUED, pool=pool, not_before__lte=at)
    rows = waiting.annotate(turn=turn).filter(turn__lte=PER_MEMBER).order_by("queued_at", "pk")
    fields = ("pk", "author_id", "batch_key", "generation__checkpoint_id", "cost_units", "queued_at", "attempts")
    return [
        Candidate(pk, author, key, checkpoint, cost, queued_at, has_failed=attempts > 0)
        for pk, author, key, checkpoint, cost, queued_at, attempts in rows.values_list(*fields)[:WINDOW]
    ]


def served_costs(authors: Iterable[int], at: datetime) -> dict[int, int]:
    """Cost units that each of these members was served within SERVED_WITHIN."""
    recent = Image.objects.filter(
        author_id__in=authors, queued_at__gt=at - timedelta(days=1), started_at__gt=at - SERVED_WITHIN
    )
    return dict(recent.order_by().values_list("author_id").annotate(Sum("cost_units")))


def pools_waiting(at: datetime) -> list[str]:
    """The pools that have something to draw now."""
    waiting = Image.objects.filter(state=ImageState.QUEUED, not_before__lte=at)
    return sorted(waiting.order_by().values_list("pool", flat=True).distinct())


def place_in_queue(image: Image, *, at: datetime) -> dict[str, Any]:
    """``{"place": 1 or more, "eta_s": seconds or None}`` of a queued image, by its age in the queue of its pool."""
    before = Q(queued_at__lt=image.queued_at) | Q(queued_at=image.queued_at, pk__lt=image.pk)
    ahead = Image.objects.filter(before, pool=image.pool, state=ImageState.QUEUED).count()
    running = Image.objects.filter(pool=image.pool, state=ImageState.LEASED).count()
    recent = Image.objects.filter(pool=image.pool, state=ImageState.READY, ready_at__gt=at - timedelta(hours=1))
    share = ExpressionWrapper((F("ready_at") - F("started_at")) / F("bucket"), output_field=DurationField())
    each = recent.aggregate(time=Avg(share))["time"]
    eta = None if each is None else round((ahead + running + 1) * each.total_seconds())
    return {"place": ahead + 1, "eta_s": eta}
