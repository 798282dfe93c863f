"""Decisions: first the row, then its effects in every app, in one transaction."""

from datetime import datetime
from typing import Any, Protocol, cast

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Role, User
from accounts.permissions import may_act_on, may_restrict
from accounts.services import emit, notify
from lib.errors import Refused
from lib.hooks import load_modules
from lib.tasks import enqueue_on_commit
from moderation.cases.models import Case
from moderation.cases.services import open_related_cases
from moderation.decisions.models import INTERNAL, Decision
from moderation.evidence.services import latest_evidence, set_retention
from moderation.hashes.models import BlockedHash
from moderation.hashes.services import block_hash
from moderation.policy import DECIDABLE, POLICY_VERSION, Reason
from moderation.pseudonyms import pseudonym
from moderation.restrictions.models import Duration, Restriction
from moderation.restrictions.services import add_strike, end_restriction, restrict_member
from moderation.screening.models import Screening
from moderation.targets import adapter_of, load_target, target_type

Action = Decision.Action
MAX_RELATED = 100
CHOSEN = [each for each in Action if each != Action.LIFT]  # what a moderator may do with a case


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
    duration: str = Duration.THREE_DAYS,
    at: datetime | None = None,
) -> Decision:
    """Decides a case that the moderator holds; raises Refused (409) when they no longer do.

    `restriction` and `duration` are for RESTRICT alone. A removal blocks the picture's hash, opens cases for what was
    made from it, and brings a strike, also when the author has deleted the thing meanwhile.
    """
    now = at or timezone.now()
    action, reason = _checked(action, reason, level)
    _require_rank(moderator, case.author, action)
    with transaction.atomic():
        _settle(case, moderator, action, reason, now)
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
            scores=_scores(case, target),
            policy_version=POLICY_VERSION,
            decided_at=now,
        )
        if action not in INTERNAL:
            _apply(decision, case, target, restriction, Duration(duration).end(now))
    return decision


def _checked(action: str, reason: str, level: int | None) -> tuple[str, str]:
    fields: dict[str, list[Any]] = {}
    if action not in CHOSEN:
        fields["action"] = [_("Choose what to do.")]
    if action == Action.LEVEL and level is None:
        fields["level"] = [_("Choose a level.")]
    if action == Action.APPROVE:
        reason = Reason.FINE
    elif action == Action.SECOND and not reason:
        reason = Reason.OTHER
    elif reason not in DECIDABLE:
        fields["reason"] = [_("Choose the reason that the author will read.")]
    if fields:
        raise Refused("incomplete", _("The decision is incomplete."), fields=fields)
    return action, str(reason)


def _require_rank(moderator: User, author: User | None, action: str) -> None:
    """Nobody decides about themselves or their betters, and nobody restricts their equals."""
    if not moderator.has_role(Role.MODERATOR) or not may_act_on(moderator, author):
        raise Refused("no_rank", _("Somebody above you has to decide this."), status=403)
    if action == Action.RESTRICT and author is not None and not may_restrict(moderator, author):
        raise Refused("no_rank", _("Only somebody above this member may restrict them. Escalate the case."), status=403)


def _settle(case: Case, moderator: User, action: str, reason: str, at: datetime) -> None:
    """Closes the case, or hands it on, if the moderator still holds it; this row also locks it."""
    change: dict[str, Any] = {"state": Case.State.CLOSED, "closed_at": at}
    if action == Action.ESCALATE:
        if moderator.has_role(Role.STAFF):
            raise Refused("no_higher", _("You are staff, so this cannot be escalated further. Please decide."))
        change = {"state": Case.State.OPEN, "is_escalated": True, "severity": 5}
    elif action == Action.SECOND:
        change = {"state": Case.State.OPEN, "second_opinion_for": moderator}
    held = Case.objects.held_by(moderator, at).filter(pk=case.pk)
    if not held.update(claimed_by=None, claimed_until=None, **change):
        raise Refused("not_held", _("You no longer hold this case. Claim it again to decide."), status=409)
    case.refresh_from_db()
    if case.state == Case.State.CLOSED:
        set_retention(case=case, reason=reason, at=at)


def _scores(case: Case, target: models.Model | None) -> dict[str, Any]:
    """Kept with the decision: the last screening of the target, and whether it was hidden and its level until now."""
    last = Screening.objects.filter(target_type=case.target_type, target_id=case.target_id).order_by("-pk").first()
    adapter = adapter_of(target) if target is not None else None
    before = {} if adapter is None else {"was_hidden": adapter.is_hidden(target), "level_before": adapter.level(target)}
    screened = {} if last is None else {"verdict": last.verdict, "observations": last.observations}
    return {**before, **screened}


def _apply(
    decision: Decision, case: Case, target: models.Model | None, restriction: str, until: datetime | None
) -> None:
    at, author = decision.decided_at, case.author
    if case.notices.exclude(email="").exists():
        enqueue_on_commit("moderation.answer_senders", case.pk)
    if decision.action == Action.REMOVE:
        _remove(decision, case, target, at)
    if decision.action == Action.RESTRICT and author is not None:
        restrict_member(user=author, kind=restriction, until=until, decision=decision, at=at)
    if decision.action == Action.APPROVE and isinstance(target, User):
        for each in Restriction.objects.active(at).filter(user=target):
            end_restriction(restriction=each, at=at)
    take_effect(decision, target, author, decision)


def _remove(decision: Decision, case: Case, target: models.Model | None, at: datetime) -> None:
    """What the author deleted since is decided by the evidence."""
    evidence = latest_evidence(case)
    found = adapter_of(target).pdq(target) if target is not None else None
    if found is None and evidence is not None:
        found = evidence.pdq
    if found is not None:
        block_hash(pdq=str(found), source=BlockedHash.Source.DECISION, decision=decision)
    if target is not None:
        open_related_cases(targets=list(adapter_of(target).related(target, MAX_RELATED)), severity=1, at=at)
    if case.author is not None and case.author.deleted_at is None:
        add_strike(user=case.author, decision=decision, at=at)


def lift_restriction(
    *, restriction: Restriction, moderator: User, note: str = "", at: datetime | None = None
) -> Decision:
    """Ends a restriction early, by a decision; raises Refused (403) for one's own and for those of one's betters."""
    now = at or timezone.now()
    member = restriction.user
    if not moderator.has_role(Role.MODERATOR) or not may_restrict(moderator, member):
        raise Refused("no_rank", _("Only somebody above this member may lift what restricts them."), status=403)
    with transaction.atomic():
        if not end_restriction(restriction=restriction, at=now):
            raise Refused("lifted", _("This restriction has been lifted already."), status=409)
        decision = Decision.objects.create(
            target_type=target_type(member),
            target_id=member.pk,
            action=Action.LIFT,
            reason=Reason.FINE,
            note=note.strip(),
            actor_pseudonym=pseudonym(moderator.pk),
            author_pseudonym=pseudonym(member.pk),
            policy_version=POLICY_VERSION,
            decided_at=now,
        )
        run_effects(decision, member)
        notify_author(decision, member, now)
    return decision


def take_effect(decision: Decision, target: models.Model | None, author: User | None, restricting: Decision) -> None:
    """Lets every app apply a decision about a target, and about its author where it restricts them; notifies them.

    Args:
        restricting: the decision whose restrictions are begun or ended: this one, or the one that it reverses.
    """
    if target is not None:
        run_effects(decision, target)
    if author is not None and author != target and restricting.restrictions.exists():
        run_effects(decision, author)
    notify_author(decision, author, decision.decided_at)


def run_effects(decision: Decision, target: models.Model) -> None:
    """Lets every app apply a decision; an error undoes the decision. Call inside its transaction."""
    for module in load_modules(settings.MODERATION_EFFECTS).values():
        cast(Effects, module).apply(decision=decision, target=target)


def notify_author(decision: Decision, author: User | None, at: datetime) -> None:
    """The statement of reasons is the page behind this notification (`moderation:decision`), and it comes by mail."""
    if author is not None:
        notify(recipient=author, kind="moderation.decision", target=decision, at=at)
        emit(user=author, event="decision.made", target=decision, at=at)
        if author.email:
            enqueue_on_commit("moderation.send_statement", decision.pk)  # by name: its module imports this one
