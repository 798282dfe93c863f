"""Which answers a quality flag speaks against; reports leave them out and say how many, the ledger keeps them."""

from datetime import datetime

from django.db.models import QuerySet

from ratings.models import Comparison, QualityFlag, Rating
from ratings.quality.models import RULES_VERSION

# Flags of the present rules that were not lifted; as `QualityFlag.objects.in_force()`, in SQL.
IN_FORCE = f"lifted_at IS NULL AND version = {RULES_VERSION}"

# Of an ask `a`: nothing speaks against it.
UNFLAGGED = f"NOT EXISTS (SELECT FROM ratings_qualityflag f WHERE f.ask_id = a.id AND {IN_FORCE})"

# The asks that something speaks against, to be joined by those that look at all asks.
DOUBTED = f"(SELECT DISTINCT ask_id FROM ratings_qualityflag WHERE {IN_FORCE}) AS doubted"  # noqa: S608


def left_out(since: datetime) -> dict[str, int]:
    """How many answers of a period are left out of its figures because a flag speaks against them."""
    answers, votes = doubted(since)
    return {"answers": answers.count(), "votes": votes.count()}


def doubted(since: datetime) -> tuple[QuerySet[Rating], QuerySet[Comparison]]:
    """The answers and the judgements of pairs of a period that a flag speaks against."""
    asks = QualityFlag.objects.in_force().filter(ask__created_at__gte=since).values("ask")
    return Rating.objects.told().filter(ask__in=asks), Comparison.objects.votes().filter(ask__in=asks)
