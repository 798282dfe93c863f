"""Response rates by stratum, and draws that asked nothing."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import QuerySet, Sum

from ratings.asking.models import AskOutcome, DrawCount
from ratings.research.reports.flags import FLAGGED
from ratings.research.statistics import response_interval

FLAGGED_ANSWER = "flagged"

# Every ask of a period, those of campaigns apart, by surface, stratum and outcome. An answer with a quality flag is an
# outcome of its own, so that the response rate counts the answers that the means count.
OUTCOMES_SQL = f"""
SELECT a.surface, a.stratum,
       CASE WHEN a.outcome = 'answered' AND flagged.ask_id IS NOT NULL THEN 'flagged' ELSE a.outcome END AS result,
       count(*)
FROM ratings_ask a LEFT JOIN {FLAGGED} ON flagged.ask_id = a.id
WHERE a.created_at >= %(since)s AND a.surface <> 'campaign' GROUP BY 1, 2, 3
"""  # noqa: S608  # put together from constants


@dataclass(frozen=True, slots=True)
class Response:
    """Outcomes of the asks of one stratum; `low` and `high` are Wilson's 95 % interval of `rate`."""

    surface: str
    stratum: str
    asks: int
    outcomes: Mapping[str, int]
    rate: float
    low: float
    high: float


def responses(since: datetime) -> list[dict[str, Any]]:
    """`Response`s by surface and stratum as JSON values; an ask that is still open counts as not answered yet."""
    outcomes: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(OUTCOMES_SQL, {"since": since})
        for surface, stratum, outcome, n in cursor.fetchall():
            outcomes[surface, stratum][outcome] = n
    return [asdict(_response(surface, stratum, found)) for (surface, stratum), found in sorted(outcomes.items())]


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
