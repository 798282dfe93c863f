"""The models of every package, so that Django finds them under the label `ratings`."""

from ratings.asking.aspects.models import AspectComparison
from ratings.asking.marks.models import RegionMark
from ratings.asking.models import (
    Ask,
    AskOutcome,
    Comparison,
    DrawCount,
    Policy,
    Question,
    QuestionTranslation,
    Rating,
    Surface,
    Wording,
)
from ratings.asking.rankings.models import RankedPicture
from ratings.benchmarks.models import (
    Benchmark,
    BenchmarkEntry,
    BenchmarkPicture,
    BenchmarkPrompt,
    BenchmarkScore,
    PromptSet,
)
from ratings.campaigns.imports.models import CampaignArchive, ImportedPicture
from ratings.campaigns.models import Campaign, CampaignAsk, CampaignMember, CampaignPicture
from ratings.quality.models import Flag, QualityAppeal, QualityFlag, RaterStanding
from ratings.releases.models import (
    DeletedPicture,
    Release,
    ReleaseBlock,
    ReleaseQuerySet,
    ReleaseShard,
    ReleaseTombstone,
)
from ratings.research.models import AspectFigure, ReportSnapshot

__all__ = [
    "Ask",
    "AskOutcome",
    "AspectComparison",
    "AspectFigure",
    "Benchmark",
    "BenchmarkEntry",
    "BenchmarkPicture",
    "BenchmarkPrompt",
    "BenchmarkScore",
    "Campaign",
    "CampaignArchive",
    "CampaignAsk",
    "CampaignMember",
    "CampaignPicture",
    "Comparison",
    "DeletedPicture",
    "DrawCount",
    "Flag",
    "ImportedPicture",
    "Policy",
    "PromptSet",
    "QualityAppeal",
    "QualityFlag",
    "Question",
    "QuestionTranslation",
    "RankedPicture",
    "RaterStanding",
    "Rating",
    "RegionMark",
    "Release",
    "ReleaseBlock",
    "ReleaseQuerySet",
    "ReleaseShard",
    "ReleaseTombstone",
    "ReportSnapshot",
    "Surface",
    "Wording",
]
