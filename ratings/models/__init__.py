"""What people tell us: the ledger of asks, their answers, and the datasets that leave."""

from ratings.models.asking import Ask, AskOutcome, Comparison, DrawTally, Policy, Question, Rating, Surface
from ratings.models.releases import Release, ReleaseItem, ReleaseQuerySet, ReleaseShard

__all__ = [
    "Ask",
    "AskOutcome",
    "Comparison",
    "DrawTally",
    "Policy",
    "Question",
    "Rating",
    "Release",
    "ReleaseItem",
    "ReleaseQuerySet",
    "ReleaseShard",
    "Surface",
]
