"""Reads of the queue: what waits, who was served how much, and when an image's turn comes."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import redis
import structlog
from django.conf import settings
from django.core.cache import cache
from django.db.models import F, FloatField, Max, Min, OuterRef, Subquery, Sum, Value, Window
from django.db.models.functions import Coalesce, Greatest, RowNumber

from accounts.models import User
from generation.models import ALONE_AFTER, BatchCap, Image, ImageState, PoolWorker, QueueShare
from generation.queue.ordering import Candidate, Cap, Standing, default_cap, forecast

PER_MEMBER, WINDOW = 32, 2000  # how much of the queue one look sees: of each member, and together
RETRIED_SOON = timedelta(minutes=1)
SEEN_WITHIN = timedelta(minutes=10)  # a worker whose speed counts
BEING_MADE = (ImageState.LEASED, ImageState.GENERATED, ImageState.SCREENING)
FORECAST_SECONDS = 2  # a forecast serves every page that asks meanwhile
log = structlog.get_logger(__name__)


def queued_candidates(pool: str, at: datetime) -> list[Candidate]:
    """What one look sees of a pool: every member's first image before anybody's second, at most PER_MEMBER of each."""
    turn = Window(RowNumber(), partition_by="author_id", order_by=[F("priority").desc(), "queued_at", "pk"])
    share = QueueShare.objects.filter(pool=pool, author=OuterRef("author")).values("finished")
    served = Coalesce(Subquery(share), Value(0.0), output_field=FloatField())
    waiting = Image.objects.drawable(at).filter(pool=pool)
    rows = waiting.annotate(turn=turn, served=Greatest(served, Value(clock_of(pool)))).filter(turn__lte=PER_MEMBER)
    fields = ("pk", "author_id", "batch_key", "generation__checkpoint_id", "cost_units", "queued_at",
              "generation__width", "generation__height", "priority", "attempts", "interruptions")  # fmt: skip
    return [
        Candidate(
            pk, author, key, checkpoint, cost, queued_at, (width, height), priority,
            is_alone=attempts > 0 or interruptions >= ALONE_AFTER,
            is_paid=attempts + interruptions > 0,
        )
        for pk, author, key, checkpoint, cost, queued_at, width, height, priority, attempts, interruptions
        in rows.order_by("turn", "served", "queued_at", "pk").values_list(*fields)[:WINDOW]
    ]  # fmt: skip


def clock_of(pool: str) -> float:
    """The virtual time of a pool."""
    return QueueShare.objects.filter(pool=pool).aggregate(clock=Max("started"))["clock"] or 0.0


def standing_of(pool: str, authors: Iterable[int]) -> Standing:
    """What these members were served in a pool."""
    authors = set(authors)
    shares = QueueShare.objects.filter(pool=pool, author_id__in=authors)
    return Standing(clock_of(pool), dict(shares.values_list("author_id", "finished")), _weights(authors))


def _weights(authors: Iterable[int]) -> dict[int, float]:
    """The weights that QUEUE_WEIGHTS gives to roles; of several, the largest."""
    weights: dict[int, float] = {}
    if settings.QUEUE_WEIGHTS:
        members = User.objects.filter(pk__in=authors, groups__name__in=settings.QUEUE_WEIGHTS)
        for author, role in members.values_list("pk", "groups__name"):
            weights[author] = max(weights.get(author, 0.0), settings.QUEUE_WEIGHTS[role])
    return weights


def cap_of(caps: Mapping[tuple[int, int, int], int]) -> Cap:
    """The cap of a candidate, by measured caps of (checkpoint, width, height)."""

    def cap(candidate: Candidate) -> int:
        width, height = candidate.size
        return caps.get((candidate.checkpoint, width, height), default_cap(width * height))

    return cap


def measured_caps(device: str = "") -> dict[tuple[int, int, int], int]:
    """Caps by (checkpoint, width, height): of a device, or the smallest of any."""
    rows = BatchCap.objects.filter(device=device) if device else BatchCap.objects.all()
    measured = rows.order_by().values_list("checkpoint_id", "width", "height").annotate(Min("cap"))
    return {(checkpoint, width, height): cap for checkpoint, width, height, cap in measured}


def pools_waiting(at: datetime) -> list[str]:
    """The pools that have something to draw now."""
    return sorted(Image.objects.drawable(at).order_by().values_list("pool", flat=True).distinct())


@dataclass(frozen=True)
class Place:
    """Where an image stands: `place` from 1, and seconds until it is done, where the speed of the pool is known."""

    place: int
    eta_s: int | None


def places_of(images: Iterable[Image], *, at: datetime) -> dict[int, Place]:
    """Places of the queued ones among these images, by id; what is further back than one look sees has none yet."""
    waiting = [image for image in images if image.state == ImageState.QUEUED]
    places = {pool: _places(pool, at) for pool in {image.pool for image in waiting}}
    return {image.pk: places[image.pool][image.pk] for image in waiting if image.pk in places[image.pool]}


def next_place(images: Iterable[Image], *, at: datetime) -> Place | None:
    """The place of the first of these images whose turn comes; None while one of them is being made."""
    images = list(images)
    if any(image.state in BEING_MADE for image in images):
        return None
    return min(places_of(images, at=at).values(), key=lambda each: each.place, default=None)


def _places(pool: str, at: datetime) -> dict[int, Place]:
    """The places of a pool, computed every FORECAST_SECONDS for everybody who asks."""
    key = f"queue-forecast:{pool}"
    try:
        known = cache.get(key)
    except redis.RedisError as error:
        log.warning("forecast_not_cached", error=str(error))
        return forecast_of(pool, at)
    if known is None:
        known = {image: asdict(place) for image, place in forecast_of(pool, at).items()}
        cache.set(key, known, FORECAST_SECONDS)
    return {image: Place(**place) for image, place in known.items()}


def forecast_of(pool: str, at: datetime) -> dict[int, Place]:
    """The place of every image of a pool that one look sees, from the order in which workers choose."""
    candidates = queued_candidates(pool, at + RETRIED_SOON)
    standing = standing_of(pool, {each.author for each in candidates})
    turns = forecast(candidates, standing=standing, cap=cap_of(measured_caps()))
    speeds = _speeds(pool, at)
    speed, running = sum(speeds.values()), _left_of_running(pool, speeds, at)
    return {
        image: Place(turn.place, round((running + turn.cost) / speed) if speed else None)
        for image, turn in turns.items()
    }


def _speeds(pool: str, at: datetime) -> dict[str, float]:
    """Cost units a second of the workers seen lately; of the last one seen where the pool had nothing to do."""
    rows = PoolWorker.objects.filter(pool=pool).order_by("-seen_at")
    recent = dict(rows.filter(seen_at__gt=at - SEEN_WITHIN).values_list("name", "units_per_second"))
    return recent or dict(rows.values_list("name", "units_per_second")[:1])


def _left_of_running(pool: str, speeds: Mapping[str, float], at: datetime) -> float:
    """Cost units that are still to be drawn of what workers have begun."""
    left = 0.0
    leased = Image.objects.filter(pool=pool, state=ImageState.LEASED).order_by().values("worker")
    for row in leased.annotate(cost=Sum("cost_units"), since=Min("started_at")):
        drawn = speeds.get(row["worker"], 0.0) * (at - row["since"]).total_seconds()
        left += max(0.0, row["cost"] - drawn)
    return left
