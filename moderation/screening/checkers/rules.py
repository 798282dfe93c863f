"""The operator's text rules, from the database, compiled once for each state of the table."""

from dataclasses import dataclass
from functools import lru_cache

from django.db.models import Count, Max

from lib.content_levels import ContentLevel
from lib.regex import BoundedPattern, compile_bounded
from moderation.policy import Reason
from moderation.screening.models import Rule
from moderation.screening.normalisation import readings
from moderation.screening.observations import Label, Observation, TextKind

# Seconds one rule may search one reading: a pattern that runs away fails, and a failure holds.
TIMEOUT_SECONDS = 0.2
_LABELS = {Rule.Effect.BLOCK: Label.FORBIDDEN, Rule.Effect.ASK: Label.DOUBTFUL, Rule.Effect.LEVEL: Label.LEVEL}


@dataclass(frozen=True)
class Compiled:
    slug: str
    pattern: BoundedPattern
    label: Label
    level: ContentLevel
    category: Reason
    message: str


class RulesMissingError(RuntimeError):
    """The table is empty: the site was not set up, and nothing may pass for checked."""


def version() -> str:
    """Changes with every edit of the table: an edit retires a rule or adds one, so two numbers are enough."""
    state = Rule.objects.aggregate(newest=Max("pk"), retired=Count("retired_at"))
    return f"{state['newest'] or 0}.{state['retired']}"


@lru_cache(maxsize=2)
def compiled(version: str) -> tuple[Compiled, ...]:
    """The active rules as of `version`; raises RulesMissingError when the table holds none at all."""
    if version == "0.0":
        raise RulesMissingError("There are no text rules: run `manage.py migrate`.")
    return tuple(
        Compiled(
            slug=rule.slug,
            pattern=compile_bounded(rule.pattern, seconds=TIMEOUT_SECONDS),
            label=_LABELS[Rule.Effect(rule.effect)],
            level=ContentLevel(rule.level),
            category=Reason(rule.category),
            message=rule.reason,
        )
        for rule in Rule.objects.active().order_by("pk")
    )


def check(text: str, kind: TextKind) -> list[Observation]:
    """One observation for each rule that any reading of the text matches."""
    state = version()
    seen = readings(text)
    return [
        Observation("rules", f"{state}/{rule.slug}", rule.label, 1.0, rule.category, rule.level, matched, rule.message)
        for rule in compiled(state)
        if (matched := _first_match(rule, seen)) is not None
    ]


def _first_match(rule: Compiled, seen: tuple[str, ...]) -> str | None:
    for reading in seen:
        found = rule.pattern.search(reading)
        if found is not None:
            return str(found[0])[:200] or rule.slug
    return None
