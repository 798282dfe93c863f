"""What members read about a decision: the statement of reasons, and its preview for the moderator."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from lib.content_levels import ContentLevel
from moderation.decisions.models import Decision
from moderation.policy import POLICY, Reason

Action = Decision.Action


@dataclass(frozen=True)
class Statement:
    title: str
    why: str
    note: str  # the moderator's own words
    next: str  # what the author can do


def statement(*, action: str, reason: str, level: int | None = None, note: str = "") -> Statement:
    """The words for an author; `reason` is a slug of the policy."""
    entry = POLICY[Reason(reason) if reason in Reason.values else Reason.OTHER]
    return Statement(_title(action, level), str(entry.rule), note, _next(action))


def outcome_for_sender(decision: Decision) -> str:
    """One sentence for whoever sent a notice about it: what became of it, and nothing about the author."""
    return {
        Action.REMOVE: _("It was taken down."),
        Action.HOLD: _("It is hidden from everybody but its author."),
        Action.LEVEL: _("It stays, and is marked so that only those see it who chose to."),
        Action.RESTRICT: _("We restricted the account."),
    }.get(Action(decision.action), _("It stays: we found nothing against the rules."))


def statement_of(decision: Decision) -> Statement:
    return statement(action=decision.action, reason=decision.reason, level=decision.level, note=decision.note)


def _title(action: str, level: int | None) -> str:
    if action == Action.LEVEL and level is not None:
        return _("It is now marked as %(level)s.") % {"level": str(ContentLevel(level).label).lower()}
    return {
        Action.APPROVE: _("It was reviewed and stays visible."),
        Action.HOLD: _("It stays hidden for now."),
        Action.REMOVE: _("It was removed."),
        Action.RESTRICT: _("Your account was restricted."),
    }.get(Action(action), _("It is being reviewed."))


def _next(action: str) -> str:
    if action in (Action.APPROVE, Action.ESCALATE):
        return ""
    return _("If you think this is wrong, you can appeal within 30 days. Another moderator will answer within 7 days.")
