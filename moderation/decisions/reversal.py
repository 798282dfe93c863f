"""Taking a decision back, with all that it brought: by an appeal, or by the moderator who sees that it was wrong."""

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Role, User
from accounts.permissions import Rank, may_act_on, rank_of
from lib.errors import Refused
from moderation.cases.models import Case
from moderation.cases.services import CLAIM
from moderation.decisions.models import INTERNAL, Decision
from moderation.decisions.services import take_effect
from moderation.evidence.services import end_retention
from moderation.hashes.services import lift_hashes_of
from moderation.policy import POLICY_VERSION, Reason
from moderation.pseudonyms import pseudonym
from moderation.restrictions.services import undo_consequences
from moderation.screening.models import Screening
from moderation.targets import load_target

UNDO_WITHIN = timedelta(hours=24)


def reverse_decision(
    *, decision: Decision, actor: str, reason: Reason, author: User | None, at: datetime, may_hide: bool = False
) -> Decision:
    """Writes the decision that reverses another and undoes all it brought. Call inside a transaction.

    Args:
        actor: the pseudonym of whoever takes it back.
        author: whose thing it is, who is notified.
        may_hide: what was hidden before the decision is hidden again; without it, it is made visible.

    Raises:
        Refused: 409 it was taken back already.
    """
    target = load_target(decision.target_type, decision.target_id)
    Decision.objects.select_for_update().get(pk=decision.pk)  # of two that reverse it, the second finds the first
    if decision.reversed_by.exists():
        raise Refused("reversed", _("This decision has been taken back already."), status=409)
    hides = may_hide and bool(decision.scores.get("was_hidden"))
    reversal = Decision.objects.create(
        case=decision.case,
        target_type=decision.target_type,
        target_id=decision.target_id,
        action=Decision.Action.HOLD if hides else Decision.Action.APPROVE,
        level=_level_before(decision) if decision.action == Decision.Action.LEVEL else None,
        reason=reason,
        actor_pseudonym=actor,
        author_pseudonym=decision.author_pseudonym,
        policy_version=POLICY_VERSION,
        reverses=decision,
        decided_at=at,
    )
    lift_hashes_of(decision=decision, at=at)
    undo_consequences(decision=decision, at=at)
    take_effect(reversal, target, author, decision)
    return reversal


def _level_before(decision: Decision) -> int | None:
    """The level that held before; of an old decision: of the last one that set one, else of the last screening."""
    kept: int | None = decision.scores.get("level_before")
    if kept is not None:
        return kept
    same = {"target_type": decision.target_type, "target_id": decision.target_id}
    earlier = Decision.objects.filter(**same, level__isnull=False, pk__lt=decision.pk).order_by("-pk").first()
    if earlier is not None:
        return earlier.level
    screened = Screening.objects.filter(**same, created_at__lte=decision.decided_at).order_by("-pk").first()
    return None if screened is None else screened.level


def can_undo(decision: Decision, moderator: User, at: datetime) -> bool:
    """Within 24 hours: the moderator who decided, or staff; not once it was reversed or appealed against."""
    is_theirs = decision.actor_pseudonym == pseudonym(moderator.pk) or moderator.has_role(Role.STAFF)
    is_fresh = decision.case_id is not None and decision.decided_at > at - UNDO_WITHIN
    is_final = decision.action not in INTERNAL and decision.reverses_id is None
    return is_theirs and is_fresh and is_final and not decision.reversed_by.exists() and not hasattr(decision, "appeal")


def undo_decision(*, decision: Decision, moderator: User, at: datetime | None = None) -> Case:
    """Takes back what a moderator decided within the last 24 hours; they hold the case again, to decide anew.

    Raises:
        Refused: 409 too late, reversed or appealed against; 403 not theirs to undo.
    """
    now = at or timezone.now()
    case = decision.case
    if case is None or not may_act_on(moderator, case.author) or rank_of(moderator) < Rank.MODERATOR:
        raise Refused("no_rank", _("Somebody above you has to decide this."), status=403)
    if not can_undo(decision, moderator, now):
        raise Refused("no_undo", _("This decision can no longer be undone. Open the case again instead."), status=409)
    try:
        with transaction.atomic():
            reverse_decision(
                decision=decision,
                actor=pseudonym(moderator.pk),
                reason=Reason.UNDONE,
                author=case.author,
                at=now,
                may_hide=True,
            )
            again = Case.objects.filter(pk=case.pk, state=Case.State.CLOSED)
            again.update(state=Case.State.CLAIMED, closed_at=None, claimed_by=moderator, claimed_until=now + CLAIM)
            end_retention(case=case)
    except IntegrityError:  # case_one_open_per_target
        raise Refused("reopened", _("There is a newer open case about this. Decide that one."), status=409) from None
    case.refresh_from_db()
    return case
