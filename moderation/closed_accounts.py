"""What a banned member reads when they sign in: they can open no page that would say it."""

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from moderation.decisions.models import Decision
from moderation.policy import POLICY, Reason
from moderation.restrictions.models import Restriction
from moderation.restrictions.services import describe


def explain(user: User) -> list[str]:
    """Sentences about the ban in force: until when, and why; none for an account that is closed for another reason."""
    bans = Restriction.objects.banned(timezone.now()).filter(user=user).select_related("decision")
    found = max(bans, key=lambda each: (each.ends_at is None, each.ends_at), default=None)
    if found is None:
        return []
    return [describe(found), *_reason(found.decision)]


def _reason(decision: Decision | None) -> list[str]:
    if decision is None or decision.reason not in Reason.values:
        return []
    return [_("The reason: %(reason)s. %(rule)s") % {"reason": Reason(decision.reason).label, "rule": _rule(decision)}]


def _rule(decision: Decision) -> str:
    entry = POLICY.get(Reason(decision.reason))
    return str(entry.rule) if entry else ""
