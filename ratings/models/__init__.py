"""What people tell us: the ledger of asks, their answers, and the datasets that leave."""

from ratings.models.asking import Ask, AskOutcome, Comparison, Rating, Surface
from ratings.models.bank import DrawTally, Policy, Question, QuestionTranslation, Wording
from ratings.models.quality import Flag, QualityAppeal, QualityFlag, RaterStanding
from ratings.models.releases import Release, ReleaseItem, ReleaseQuerySet, ReleaseShard

__all__ = [
    "Ask",
    "AskOutcome",
    "Comparison",
    "DrawTally",
    "Flag",
    "Policy",
    "QualityAppeal",
    "QualityFlag",
    "Question",
    "QuestionTranslation",
    "RaterStanding",
    "Rating",
    "Release",
    "ReleaseItem",
    "ReleaseQuerySet",
    "ReleaseShard",
    "Surface",
    "Wording",
]
