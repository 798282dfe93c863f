"""Answers with a quality flag: reports leave them out and say how many; the ledger keeps them."""

from datetime import datetime

from django.db.models import QuerySet

from ratings.asking.models import Comparison, Rating, Surface
from ratings.quality.models import RULES_VERSION, QualityFlag

# `QualityFlag.objects.in_force()` in SQL.
IN_FORCE = f"lifted_at IS NULL AND version = {RULES_VERSION}"

# The ask `a` has no flag.
UNFLAGGED = f"NOT EXISTS (SELECT FROM ratings_qualityflag f WHERE f.ask_id = a.id AND {IN_FORCE})"

# The asks with a flag, to be joined by statements that read all asks.
FLAGGED = f"(SELECT DISTINCT ask_id FROM ratings_qualityflag WHERE {IN_FORCE}) AS flagged"  # noqa: S608


def count_left_out(since: datetime) -> dict[str, int]:
    """How many answers of a period its figures leave out because of a flag."""
    answers, votes = flagged_answers(since)
    return {"answers": answers.count(), "votes": votes.count()}


def flagged_answers(since: datetime) -> tuple[QuerySet[Rating], QuerySet[Comparison]]:
    """The flagged ratings and votes of a period."""
    flags = QualityFlag.objects.in_force().filter(ask__created_at__gte=since)
    asks = flags.exclude(ask__surface=Surface.CAMPAIGN).values("ask")
    return Rating.objects.scored().filter(ask__in=asks), Comparison.objects.votes().filter(ask__in=asks)
