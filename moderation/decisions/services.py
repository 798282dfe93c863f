"""Decisions: first the row, then its effects in every app, in one transaction."""

from datetime import datetime, timedelta
from typing import Any, Protocol, cast

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Role, User
from accounts.services import emit, notify
from lib.errors import Refused
from lib.hooks import load_modules
from moderation.cases.models import Case
from moderation.cases.services import open_related_cases
from moderation.decisions.models import Decision
from moderation.hashes.models import BlockedHash
from moderation.hashes.services import block_hash
from moderation.policy import DECIDABLE, POLICY_VERSION, Reason
from moderation.pseudonyms import pseudonym
from moderation.restrictions.models import Restriction
from moderation.restrictions.services import add_strike, lift_restriction, restrict_member
from moderation.screening.models import Screening
from moderation.targets import adapter_of, load_target

Action = Decision.Action
DEFAULT_RESTRICTION = timedelta(days=3)
MAX_RELATED = 100


class Effects(Protocol):
    """A module of MODERATION_EFFECTS: what a decision changes in its app.

    Called inside the decision's transaction for every target, its own or not. A `level` that is not None
    is to be applied, whatever the action; APPROVE also makes visible what was held, REMOVE takes it down.
    """

    def apply(self, *, decision: Decision, target: models.Model) -> None: ...


def decide_case(
    *,
    case: Case,
    moderator: User,
    action: str,
    reason: str = "",
    note: str = "",
    level: int | None = None,
    restriction: str = Restriction.Kind.NO_GENERATING,
    until: datetime | None = None,
    at: datetime | None = None,
) -> Decision:
    """Decides a case that the moderator holds; raises Refused (409) when they no longer do.

    `restriction` and `until` are for RESTRICT alone. The author is notified, with the reasons; a removal
    blocks the picture's hash, opens cases for what was made from it, and brings a strike.
    """
    now = at or timezone.now()
    action, reason = _checked(action, reason, level)
    with transaction.atomic():
        _settle(case, moderator, action, now)
        target = load_target(case.target_type, case.target_id)
        decision = Decision.objects.create(
            case=case,
            target_type=case.target_type,
            target_id=case.target_id,
            action=action,
            level=level if action == Action.LEVEL else None,
            reason=reason,
            note=note.strip(),
            actor_pseudonym=pseudonym(moderator.pk),
            author_pseudonym=pseudonym(case.author_id) if case.author_id else "",
            scores=_scores(case),
            policy_version=POLICY_VERSION,
            decided_at=now,
        )
        if target is not None and action != Action.ESCALATE:
            _apply(decision, target, restriction, until or now + DEFAULT_RESTRICTION, now)
    return decision


def _checked(action: str, reason: str, level: int | None) -> tuple[str, str]:
    fields: dict[str, list[Any]] = {}
    if action not in Action.values:
        fields["action"] = [_("Choose what to do.")]
    if action == Action.LEVEL and level is None:
        fields["level"] = [_("Choose a level.")]
    if action == Action.APPROVE:
        reason = Reason.FINE
    elif reason not in DECIDABLE:
        fields["reason"] = [_("Choose the reason that the author will read.")]
    if fields:
        raise Refused("incomplete", _("The decision is incomplete."), fields=fields)
    return action, str(reason)


def _settle(case: Case, moderator: User, action: str, at: datetime) -> None:
    """Closes the case, or hands it to staff, if the moderator still holds it; this row also locks it."""
    if action == Action.ESCALATE:
        if moderator.has_role(Role.STAFF):
            raise Refused("no_higher", _("You are staff, so this cannot be escalated further. Please decide."))
        change: dict[str, Any] = {"state": Case.State.OPEN, "is_escalated": True, "severity": 5}
    else:
        change = {"state": Case.State.CLOSED, "closed_at": at}
    held = Case.objects.held_by(moderator, at).filter(pk=case.pk)
    if not held.update(claimed_by=None, claimed_until=None, **change):
        raise Refused("not_held", _("You no longer hold this case. Claim it again to decide."), status=409)
    case.refresh_from_db()


def _scores(case: Case) -> dict[str, Any]:
    """The last screening of the target, kept with the decision."""
    last = Screening.objects.filter(target_type=case.target_type, target_id=case.target_id).order_by("-pk").first()
    return {} if last is None else {"verdict": last.verdict, "observations": last.observations}


def _apply(decision: Decision, target: models.Model, restriction: str, until: datetime, at: datetime) -> None:
    author = adapter_of(target).author(target)
    if decision.action == Action.REMOVE:
        _remove(decision, target, author, at)
    if decision.action == Action.RESTRICT and author is not None:
        restrict_member(user=author, kind=restriction, until=until, decision=decision, at=at)
    if decision.action == Action.APPROVE and isinstance(target, User):
        for each in Restriction.objects.active(at).filter(user=target):
            lift_restriction(restriction=each, at=at)
    run_effects(decision, target)
    if author is not None and author != target and decision.restrictions.exists():
        run_effects(decision, author)
    notify_author(decision, target, at)


def _remove(decision: Decision, target: models.Model, author: User | None, at: datetime) -> None:
    adapter = adapter_of(target)
    found = adapter.pdq(target)
    if found is not None:
        block_hash(pdq=found, source=BlockedHash.Source.DECISION, decision=decision)
    open_related_cases(targets=list(adapter.related(target, MAX_RELATED)), severity=1, at=at)
    if author is not None and author.deleted_at is None:
        add_strike(user=author, decision=decision, at=at)


def run_effects(decision: Decision, target: models.Model) -> None:
    """Lets every app apply a decision; an error undoes the decision. Call inside its transaction."""
    for module in load_modules(settings.MODERATION_EFFECTS).values():
        cast(Effects, module).apply(decision=decision, target=target)


def notify_author(decision: Decision, target: models.Model, at: datetime) -> None:
    """The statement of reasons is the page behind this notification (`moderation:decision`)."""
    author = adapter_of(target).author(target)
    if author is not None:
        notify(recipient=author, kind="moderation.decision", target=decision, at=at)
        emit(user=author, event="decision.made", target=decision, at=at)
