"""Who was asked, and what became of it."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Sum

from ratings.models import Ask, AskOutcome, DrawTally
from ratings.statistics import response_interval


@dataclass(frozen=True, slots=True)
class Response:
    """What became of the closed asks of one stratum; `low` and `high` are Wilson's 95 % interval of `rate`."""

    surface: str
    stratum: str
    asks: int
    outcomes: Mapping[str, int]
    rate: float
    low: float
    high: float


def responses(since: datetime) -> list[dict[str, Any]]:
    """`Response`s by surface and stratum, as JSON keeps them; asks still open are not counted yet."""
    closed = Ask.objects.filter(created_at__gte=since).exclude(outcome=AskOutcome.OPEN)
    rows = closed.values_list("surface", "stratum", "outcome").annotate(n=Count("pk"))
    outcomes: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for surface, stratum, outcome, n in rows:
        outcomes[surface, stratum][outcome] = n
    return [asdict(_response(surface, stratum, found)) for (surface, stratum), found in sorted(outcomes.items())]


def _response(surface: str, stratum: str, outcomes: Mapping[str, int]) -> Response:
    asks, answered = sum(outcomes.values()), outcomes.get(AskOutcome.ANSWERED, 0)
    low, high = response_interval(answered, asks)
    return Response(surface, stratum, asks, outcomes, answered / asks, low, high)


def unasked(since: datetime) -> list[dict[str, Any]]:
    """Draws that asked nothing, by surface and reason; those at a limit had no chance to be asked."""
    tallies = DrawTally.objects.filter(day__gte=since.date()).values("surface", "reason")
    return [dict(row) for row in tallies.annotate(draws=Sum("draws")).order_by("surface", "reason")]
