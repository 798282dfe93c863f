"""The operator's text rules, from the database, compiled once for each state of the table."""

import time
from dataclasses import dataclass
from functools import cached_property, lru_cache

from django.db import connection

from lib.content_levels import ContentLevel
from moderation.policy import Reason
from moderation.screening.coarse_words import coarse_words
from moderation.screening.matching import FirstLook, Match, Matcher, build_oracle, read
from moderation.screening.models import Rule
from moderation.screening.normalisation import Oracle, Reading
from moderation.screening.normalisation.vocabulary import names_somebody
from moderation.screening.observations import Label, Observation, TextKind
from moderation.screening.running import bounded

_LABELS = {Rule.Effect.BLOCK: Label.FORBIDDEN, Rule.Effect.ASK: Label.DOUBTFUL, Rule.Effect.LEVEL: Label.LEVEL}
MAX_SECONDS = 2.0  # all rules on one text; each search has a bound of its own
_ABOUT_WORKS = (TextKind.TITLE, TextKind.COMMENT)
_PHRASE_ENDS = str.maketrans(",;\n|", "\n\n\n\n")


@dataclass(frozen=True)
class Compiled:
    slug: str
    matcher: Matcher
    label: Label
    level: ContentLevel
    category: Reason
    message: str


@dataclass(frozen=True, eq=False)
class RuleSet:
    """The active rules of one state of the table."""

    version: str
    rules: tuple[Compiled, ...]
    oracle: Oracle

    @cached_property
    def first_look(self) -> FirstLook:
        return FirstLook([rule.matcher for rule in self.rules])


_latest: list[RuleSet] = []  # the last that was compiled


class RulesMissingError(RuntimeError):
    """The table is empty: the site was not set up, and nothing may pass for checked."""


def version() -> str:
    """Changes with every edit of the table: an edit retires a rule or adds one, so two numbers are enough."""
    with connection.cursor() as cursor:  # every text asks: the ORM would take longer than the query
        cursor.execute("SELECT coalesce(max(id), 0), count(retired_at) FROM moderation_rule")
        return "{}.{}".format(*cursor.fetchone() or ())


@lru_cache(maxsize=2)
def rule_set(version: str) -> RuleSet:
    """The active rules as of `version`; raises RulesMissingError when none is active."""
    rules = tuple(compile_rule(rule) for rule in Rule.objects.active().order_by("pk"))
    if not rules:
        raise RulesMissingError("There are no active text rules: run `manage.py migrate`, or add some.")
    _latest[:] = [RuleSet(version, rules, build_oracle([rule.matcher for rule in rules], coarse_words()))]
    return _latest[0]


def oracle_in_use() -> Oracle:
    """What the rules speak about, as of the last check: an edit since then makes no difference to other checkers."""
    return _latest[0].oracle if _latest else rule_set(version()).oracle


def compile_rule(rule: Rule) -> Compiled:
    return Compiled(
        slug=rule.slug,
        matcher=Matcher(rule.pattern, rule.second_pattern, rule.clears, rule.eased_by),
        label=_LABELS[Rule.Effect(rule.effect)],
        level=ContentLevel(rule.level),
        category=Reason(rule.category),
        message=rule.reason,
    )


@bounded
def check(text: str, kind: TextKind) -> list[Observation]:
    """One observation for each rule that any reading of the text matches.

    A negative prompt lists what is not wanted, so its phrases are looked at one by one.
    """
    rules = rule_set(version())
    if kind is not TextKind.NEGATIVE_PROMPT:
        readings = read(text, rules.oracle, has_names=kind is not TextKind.NAME)
        found = observe(rules, readings)
        if not found or kind not in _ABOUT_WORKS or any(names_somebody(reading.text) for reading in readings):
            return found
        return [_of_a_work(each) for each in found]
    seen: dict[tuple[str, str], Observation] = {}
    for phrase in dict.fromkeys(part.strip() for part in text.translate(_PHRASE_ENDS).split("\n")):
        for observation in observe(rules, read(phrase, rules.oracle)) if phrase else []:
            seen.setdefault((observation.rule, observation.label), _alone(observation, phrase))
    return list(seen.values())


def observe(rules: RuleSet, seen: list[Reading]) -> list[Observation]:
    """What these rules say of the readings of one text."""
    found = []
    ends_at = time.monotonic() + MAX_SECONDS
    suspect = [reading for reading in seen if rules.first_look.is_needed(reading.text)]
    for rule in rules.rules if suspect else ():
        if time.monotonic() > ends_at:
            raise TimeoutError("The rules took too long for one text.")
        match = first_match(rule.matcher, suspect)
        if match is not None:
            found.append(_observation(rules.version, rule, match, seen))
    return found


def first_match(matcher: Matcher, seen: list[Reading]) -> Match | None:
    return next((match for reading in seen if (match := matcher.find(reading)) is not None), None)


def _observation(version: str, rule: Compiled, match: Match, seen: list[Reading]) -> Observation:
    is_eased = rule.matcher.is_eased(seen)
    return Observation(
        checker="rules",
        version=f"{version}/{rule.slug}",
        label=Label.EXPLAINED if is_eased else rule.label,
        reason=rule.category,
        level=rule.level,
        matched=match.words[:200] or rule.slug,
        message=rule.message,
        rule=rule.slug,
        spans=tuple(match.original_spans),
        stages=tuple(match.reading.stages()),
    )


def _of_a_work(observation: Observation) -> Observation:
    """In a title or comment that speaks of nobody, nor of a bed, “Nude, Sunlight” is the name of a work."""
    is_mild = observation.label is Label.LEVEL and observation.reason is Reason.SEXUAL
    return observation.with_label(Label.EXPLAINED) if is_mild else observation


def _alone(observation: Observation, phrase: str) -> Observation:
    """Of a hard rule: a word that is a whole phrase by itself names what is not wanted; with others it describes."""
    if observation.label is Label.FORBIDDEN and len(observation.matched) >= len(phrase.strip(" ()[]{}:.0123456789")):
        return observation.with_label(Label.LEVEL)
    return observation
