"""The public log: what was decided and why, without names, links or words of anybody's own."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q

from moderation.cases.models import kind_label
from moderation.decisions.models import Decision
from moderation.policy import Reason

RECENT = timedelta(days=90)
_COUNTED = [Decision.Action.REMOVE, Decision.Action.LEVEL, Decision.Action.HOLD, Decision.Action.RESTRICT]


@dataclass(frozen=True)
class Line:
    decided_at: datetime
    kind: str
    action: str
    reason: str
    policy_version: str


@dataclass(frozen=True)
class Rate:
    reason: str
    label: str
    decisions: int
    overturned: int

    @property
    def percent(self) -> int:
        return round(100 * self.overturned / self.decisions)


def redacted(decision: Decision) -> Line:
    """One line of the log."""
    return Line(
        decided_at=decision.decided_at,
        kind=kind_label(decision.target_type),
        action=decision.get_action_display(),
        reason=_label(decision.reason),
        policy_version=decision.policy_version,
    )


def overturn_rates(at: datetime) -> list[Rate]:
    """Of each reason in the last 90 days: decisions against an author, and those that an appeal took back."""
    recent = Decision.objects.filter(decided_at__gt=at - RECENT, action__in=_COUNTED)
    counted = recent.values_list("reason").annotate(
        decisions=Count("pk", distinct=True),
        overturned=Count("pk", filter=Q(reversed_by__isnull=False), distinct=True),
    )
    rates = [Rate(slug, _label(slug), decisions, overturned) for slug, decisions, overturned in counted.order_by()]
    return sorted(rates, key=lambda rate: (-rate.decisions, rate.reason))


def _label(slug: str) -> str:
    return str(Reason(slug).label) if slug in Reason.values else slug
