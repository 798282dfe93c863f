"""The policy: the closed set of reasons that every verdict, report and decision names.

What they are called and say is in `policy_words.toml`, in four languages; a reader gets the language that is active,
and English where the file lacks it.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from django.db import models
from django.utils.functional import Promise, lazy
from django.utils.translation import get_language

POLICY_VERSION = "2026-11"
WORDS: dict[str, dict[str, list[str]]] = tomllib.loads(
    (Path(__file__).parent / "policy_words.toml").read_text(encoding="utf-8")
)


def _in_language(part: int, slug: str) -> str:
    language = (get_language() or "en").split("-")[0]
    return WORDS.get(language, WORDS["en"])[slug][part]


_words = lazy(_in_language, str)


class Reason(models.TextChoices):
    """Slugs stored with screenings and decisions."""

    MINOR = "minor", _words(0, "minor")
    INTIMATE = "intimate", _words(0, "intimate")
    SEXUAL = "sexual", _words(0, "sexual")
    VIOLENCE = "violence", _words(0, "violence")
    SELF_HARM = "self-harm", _words(0, "self-harm")
    HATE = "hate", _words(0, "hate")
    RIGHTS = "copyright", _words(0, "copyright")
    SPAM = "spam", _words(0, "spam")
    LANGUAGE = "language", _words(0, "language")
    NEAR_DUPLICATE = "near-duplicate", _words(0, "near-duplicate")
    UNCHECKED = "unchecked", _words(0, "unchecked")
    NAME = "name", _words(0, "name")
    STRIKES = "strikes", _words(0, "strikes")
    APPEAL = "appeal", _words(0, "appeal")
    UNDONE = "undone", _words(0, "undone")
    FINE = "fine", _words(0, "fine")
    OTHER = "other", _words(0, "other")


@dataclass(frozen=True)
class Entry:
    severity: int  # 1 (wait) to 5 (now): how far ahead its case stands in the queue
    rule: Promise | str  # what the policy says, as the author reads it


_SEVERITY = {
    5: [Reason.MINOR, Reason.INTIMATE],
    4: [Reason.SELF_HARM, Reason.STRIKES],
    3: [Reason.HATE, Reason.NEAR_DUPLICATE],
    2: [Reason.SEXUAL, Reason.VIOLENCE, Reason.RIGHTS, Reason.OTHER],
}
_BY_REASON = {reason: severity for severity, reasons in _SEVERITY.items() for reason in reasons}
POLICY: dict[Reason, Entry] = {reason: Entry(_BY_REASON.get(reason, 1), _words(1, reason.value)) for reason in Reason}
if any(set(words) != set(Reason.values) for words in WORDS.values()):
    raise ValueError("policy_words.toml must name every reason in every language")

# What a moderator may give as the reason of a decision.
DECIDABLE = [
    Reason.MINOR, Reason.INTIMATE, Reason.SEXUAL, Reason.VIOLENCE, Reason.SELF_HARM, Reason.HATE, Reason.RIGHTS,
    Reason.SPAM, Reason.LANGUAGE, Reason.NEAR_DUPLICATE, Reason.OTHER,
]  # fmt: skip


def severity_of(reasons: list[str]) -> int:
    """The highest severity among reason slugs; an unknown one counts as `other`."""
    known = [Reason(slug) if slug in Reason.values else Reason.OTHER for slug in reasons]
    return max((POLICY[reason].severity for reason in known), default=1)
