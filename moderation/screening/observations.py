"""What passes between checkers, the plain code that decides, and whoever asked."""

from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any

from lib.content_levels import ContentLevel
from moderation.policy import Reason
from moderation.screening.models import Screening


class TextKind(StrEnum):
    """Where a text stands; the same words weigh differently in a prompt and in a name."""

    PROMPT = "prompt"
    NEGATIVE_PROMPT = "negative_prompt"
    TITLE = "title"
    COMMENT = "comment"
    PROFILE = "profile"
    NAME = "name"


class Label(StrEnum):
    """The closed set of what a checker may say."""

    FORBIDDEN = "forbidden"  # breaks a hard rule
    DOUBTFUL = "doubtful"  # may break a rule: ask
    LEVEL = "level"  # fits a content level (`level`)
    EXPLAINED = "explained"  # words of a rule that their context explains: art, health, a title
    PROFANE = "profane"
    EXPLICIT = "explicit"  # a picture's nudity, score 0 to 1
    BLOCKED = "blocked"  # near a picture that was removed; the score is the distance in bits
    FAILED = "failed"  # the checker itself failed


@dataclass(frozen=True)
class Observation:
    checker: str
    version: str
    label: Label
    score: float = 1.0
    reason: Reason = Reason.OTHER
    level: ContentLevel = ContentLevel.GENERAL
    matched: str = ""
    message: str = ""  # a rule's own words for the member; never a model's
    rule: str = ""  # its slug
    spans: tuple[tuple[int, int], ...] = ()  # where the matched words stand in the text as it was written
    stages: tuple[str, ...] = ()  # of normalisation that led to the match

    def record(self) -> dict[str, Any]:
        """As it is kept in `Screening.observations`."""
        kept = asdict(self)
        names = ("checker", "version", "label", "score", "reason", "level", "matched", "rule", "spans", "stages")
        return {name: kept[name] for name in names if kept[name] not in ("", ())}

    def with_label(self, label: Label) -> "Observation":
        return replace(self, label=label)


@dataclass(frozen=True)
class Verdict:
    """What may happen to a text or picture, and why."""

    verdict: Screening.Verdict
    level: ContentLevel
    reasons: list[str]
    message: str  # what the member reads; empty when allowed
    matched_text: str = ""
    observations: list[Observation] = field(default_factory=list)
    policy_version: str = ""

    @property
    def is_allowed(self) -> bool:
        return self.verdict == Screening.Verdict.ALLOW
