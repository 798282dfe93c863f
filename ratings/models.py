"""What people tell us: the ledger of asks, their answers, and the datasets that leave."""

from ratings.asking.models import Ask, AskOutcome, Comparison, Rating, Surface
from ratings.asking.question_bank import DrawTally, Policy, Question, QuestionTranslation, Wording
from ratings.benchmarks.models import (
    Benchmark,
    BenchmarkEntry,
    BenchmarkPicture,
    BenchmarkPrompt,
    BenchmarkScore,
    PromptSet,
)
from ratings.quality.models import Flag, QualityAppeal, QualityFlag, RaterStanding
from ratings.releases.models import GonePicture, Release, ReleaseBlock, ReleaseQuerySet, ReleaseShard, ReleaseTombstone
from ratings.research.models import AspectFigure, Reading

__all__ = [
    "Ask",
    "AskOutcome",
    "AspectFigure",
    "Benchmark",
    "BenchmarkEntry",
    "BenchmarkPicture",
    "BenchmarkPrompt",
    "BenchmarkScore",
    "Comparison",
    "DrawTally",
    "Flag",
    "GonePicture",
    "Policy",
    "PromptSet",
    "QualityAppeal",
    "QualityFlag",
    "Question",
    "QuestionTranslation",
    "RaterStanding",
    "Rating",
    "Reading",
    "Release",
    "ReleaseBlock",
    "ReleaseQuerySet",
    "ReleaseShard",
    "ReleaseTombstone",
    "Surface",
    "Wording",
]
