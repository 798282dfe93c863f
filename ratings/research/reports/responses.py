"""Response rates by stratum, and draws that asked nothing."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, QuerySet, Sum

from ratings.asking.models import Ask, AskOutcome, DrawCount
from ratings.research.statistics import response_interval


@dataclass(frozen=True, slots=True)
class Response:
    """Outcomes of the closed asks of one stratum; `low` and `high` are Wilson's 95 % interval of `rate`."""

    surface: str
    stratum: str
    asks: int
    outcomes: Mapping[str, int]
    rate: float
    low: float
    high: float


def responses(since: datetime) -> list[dict[str, Any]]:
    """`Response`s by surface and stratum as JSON values; open asks are not counted."""
    outcomes: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for surface, stratum, outcome, n in closed_asks(since):
        outcomes[surface, stratum][outcome] = n
    return [asdict(_response(surface, stratum, found)) for (surface, stratum), found in sorted(outcomes.items())]


def closed_asks(since: datetime) -> QuerySet[Ask, tuple[str, str, str, int]]:
    """Closed asks of a period, counted by surface, stratum and outcome."""
    closed = Ask.objects.filter(created_at__gte=since).exclude(outcome=AskOutcome.OPEN)
    return closed.values_list("surface", "stratum", "outcome").annotate(n=Count("pk"))


def _response(surface: str, stratum: str, outcomes: Mapping[str, int]) -> Response:
    asks, answered = sum(outcomes.values()), outcomes.get(AskOutcome.ANSWERED, 0)
    low, high = response_interval(answered, asks)
    return Response(surface, stratum, asks, outcomes, answered / asks, low, high)


def unasked(since: datetime) -> list[dict[str, Any]]:
    """Draws that asked nothing, by surface and reason; at a limit, the chance to be asked was 0."""
    return [dict(row) for row in draws_without_ask(since)]


def draws_without_ask(since: datetime) -> QuerySet[DrawCount, Any]:
    counts = DrawCount.objects.filter(day__gte=since.date()).values("surface", "reason")
    return counts.annotate(draws=Sum("draws")).order_by("surface", "reason")
