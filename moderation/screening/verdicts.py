"""Plain code that decides: observations in, one verdict out. Pure."""

import math
from collections.abc import Sequence

from django.utils.translation import gettext as _

from lib.content_levels import ContentLevel
from moderation.policy import POLICY, Reason
from moderation.screening.models import Screening
from moderation.screening.observations import Label, Observation, TextKind, Verdict

# Scores of opennsfw: what it is sure of is held for a person, the rest gets a level.
EXPLICIT_HOLD, EXPLICIT_MATURE, EXPLICIT_SENSITIVE = 0.9, 0.6, 0.3
_PUBLIC_WORDS = {TextKind.TITLE, TextKind.COMMENT, TextKind.PROFILE}

_ALLOW, _ASK, _HOLD, _REJECT = (
    Screening.Verdict.ALLOW,
    Screening.Verdict.ASK,
    Screening.Verdict.HOLD,
    Screening.Verdict.REJECT,
)
_ORDER = [_ALLOW, _ASK, _HOLD, _REJECT]


def decide_text(observations: Sequence[Observation], kind: TextKind, policy_version: str) -> Verdict:
    """A hard rule refuses, a failed checker holds, a soft rule asks; levels are raised, never lowered.

    A negative prompt names what is *not* wanted, so only hard rules, insults and hatred count there. What a member
    confirms in spite of a doubt is at least sensitive.
    """
    return _verdict(observations, [_weigh_text(seen, kind) for seen in observations], policy_version)


def decide_image(observations: Sequence[Observation], policy_version: str) -> Verdict:
    """A failed checker, a blocked hash or a sure nudity score holds; lower scores set the content level."""
    return _verdict(observations, [_weigh_image(seen) for seen in observations], policy_version)


def _weigh_text(seen: Observation, kind: TextKind) -> tuple[Screening.Verdict, ContentLevel]:
    if seen.label is Label.FAILED or not math.isfinite(seen.score):
        return _HOLD, ContentLevel.GENERAL
    if kind is TextKind.NEGATIVE_PROMPT:
        return _weigh_negative(seen)
    if seen.label is Label.FORBIDDEN:
        return _REJECT, seen.level
    if seen.label in (Label.DOUBTFUL, Label.PROFANE):
        return (_REJECT if kind is TextKind.NAME else _ASK), max(seen.level, ContentLevel.SENSITIVE)
    if seen.label is Label.EXPLAINED:
        return _ALLOW, seen.level
    if kind is TextKind.NAME and seen.level > ContentLevel.SENSITIVE:
        return _REJECT, seen.level
    # what everybody reads, whatever they chose to be shown, has to be general
    return (_ASK if kind in _PUBLIC_WORDS and seen.level > ContentLevel.SENSITIVE else _ALLOW), seen.level


def _weigh_negative(seen: Observation) -> tuple[Screening.Verdict, ContentLevel]:
    """The words are published beside the prompt, so refused ones are refused here too."""
    if seen.label is Label.FORBIDDEN:
        return _REJECT, seen.level
    if seen.label is Label.PROFANE or (seen.label is Label.DOUBTFUL and seen.reason is Reason.HATE):
        return _ASK, ContentLevel.SENSITIVE
    if seen.label is Label.LEVEL and seen.reason in (Reason.MINOR, Reason.INTIMATE):
        return _ALLOW, ContentLevel.SENSITIVE
    return _ALLOW, ContentLevel.GENERAL


def _weigh_image(seen: Observation) -> tuple[Screening.Verdict, ContentLevel]:
    is_nonsense = not math.isfinite(seen.score)
    if is_nonsense or seen.label in (Label.FAILED, Label.BLOCKED, Label.FORBIDDEN, Label.DOUBTFUL):
        return _HOLD, seen.level
    if seen.label is Label.EXPLICIT:
        return (_HOLD if seen.score >= EXPLICIT_HOLD else _ALLOW), level_of_score(seen.score)
    return _ALLOW, seen.level


def level_of_score(score: float) -> ContentLevel:
    """The content level that a nudity score in [0, 1] stands for."""
    if score >= EXPLICIT_MATURE:
        return ContentLevel.MATURE
    return ContentLevel.SENSITIVE if score >= EXPLICIT_SENSITIVE else ContentLevel.GENERAL


def _verdict(
    observations: Sequence[Observation],
    weighed: Sequence[tuple[Screening.Verdict, ContentLevel]],
    policy_version: str,
) -> Verdict:
    verdict = max((each for each, _level in weighed), key=_ORDER.index, default=_ALLOW)
    decisive = [seen for seen, (each, _level) in zip(observations, weighed, strict=True) if each == verdict]
    decisive = [] if verdict == _ALLOW else decisive
    return Verdict(
        verdict=verdict,
        level=max((level for _each, level in weighed), default=ContentLevel.GENERAL),
        reasons=list(dict.fromkeys(seen.reason.value for seen in decisive)),
        message=_message(verdict, decisive),
        matched_text=", ".join(dict.fromkeys(seen.matched for seen in decisive if seen.matched)),
        observations=list(observations),
        policy_version=policy_version,
    )


def _message(verdict: Screening.Verdict, decisive: Sequence[Observation]) -> str:
    if verdict == _ALLOW:
        return ""
    if any(seen.label is Label.FAILED or not math.isfinite(seen.score) for seen in decisive):
        return _("We couldn’t check this just now. Try again in a moment.")
    words = dict.fromkeys(seen.message or str(POLICY[Reason(seen.reason)].rule) for seen in decisive)
    return " ".join(words)
