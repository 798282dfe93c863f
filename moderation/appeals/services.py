"""Appeals: the author's word against a decision, answered by another moderator than the one who decided."""

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Role, User
from accounts.services import notify
from lib.errors import NotFound, Refused
from moderation.appeals.models import Appeal
from moderation.decisions.models import Decision
from moderation.decisions.services import notify_author, run_effects
from moderation.hashes.models import BlockedHash
from moderation.policy import POLICY_VERSION, Reason
from moderation.pseudonyms import pseudonym
from moderation.restrictions.services import undo_consequences
from moderation.screening.models import Screening
from moderation.targets import adapter_of, load_target

APPEALABLE = (Decision.Action.REMOVE, Decision.Action.LEVEL, Decision.Action.HOLD, Decision.Action.RESTRICT)
WINDOW = timedelta(days=30)
ANSWER_WITHIN = timedelta(days=7)


def appeal_decision(*, decision: Decision, author: User, text: str, at: datetime | None = None) -> Appeal:
    """The author's one appeal against a decision of the last 30 days; someone else's decision is not found."""
    now = at or timezone.now()
    if decision.author_pseudonym != pseudonym(author.pk):
        raise NotFound(_("There is no such decision."))
    if not can_appeal(decision, now):
        raise Refused("no_appeal", _("This decision cannot be appealed against any more."), status=409)
    if not text.strip():
        message = _("Say in your own words why the decision is wrong.")
        raise Refused("empty", message, fields={"text": [message]})
    try:
        with transaction.atomic():
            return Appeal.objects.create(
                decision=decision, author=author, text=text.strip()[:4000], created_at=now, due_at=now + ANSWER_WITHIN
            )
    except IntegrityError:
        raise Refused("appealed", _("You have appealed against this decision already."), status=409) from None


def can_appeal(decision: Decision, at: datetime) -> bool:
    return decision.action in APPEALABLE and decision.decided_at > at - WINDOW and not decision.reversed_by.exists()


def answer_appeal(
    *, appeal: Appeal, moderator: User, is_granted: bool, answer: str, at: datetime | None = None
) -> Appeal:
    """Answers an open appeal. Granting writes a decision that reverses the first and undoes all it brought."""
    now = at or timezone.now()
    if not moderator.has_role(Role.MODERATOR):
        raise NotFound(_("There is no such appeal."))
    if pseudonym(moderator.pk) in (appeal.decision.actor_pseudonym, appeal.decision.author_pseudonym):
        raise Refused("same_moderator", _("Another moderator has to answer: this was your decision."), status=403)
    if not answer.strip():
        message = _("The author will read your answer: write a sentence or two.")
        raise Refused("empty", message, fields={"answer": [message]})
    with transaction.atomic():
        state = Appeal.State.GRANTED if is_granted else Appeal.State.DENIED
        answered = Appeal.objects.filter(pk=appeal.pk, state=Appeal.State.OPEN).update(
            state=state, answer=answer.strip(), answered_by=moderator, answered_at=now
        )
        if not answered:
            raise Refused("answered", _("This appeal has been answered already."), status=409)
        if is_granted:
            _reverse(appeal.decision, moderator, now)
        notify(recipient=appeal.author, kind="moderation.appeal", target=appeal.decision, at=now)
    appeal.refresh_from_db()
    return appeal


def _reverse(decision: Decision, moderator: User, at: datetime) -> None:
    reversal = Decision.objects.create(
        case=decision.case,
        target_type=decision.target_type,
        target_id=decision.target_id,
        action=Decision.Action.APPROVE,
        level=_level_before(decision) if decision.action == Decision.Action.LEVEL else None,
        reason=Reason.APPEAL,
        actor_pseudonym=pseudonym(moderator.pk),
        author_pseudonym=decision.author_pseudonym,
        policy_version=POLICY_VERSION,
        reverses=decision,
        decided_at=at,
    )
    BlockedHash.objects.filter(decision=decision, lifted_at=None).update(lifted_at=at)
    undo_consequences(decision=decision, at=at)
    target = load_target(decision.target_type, decision.target_id)
    if target is None:
        return
    run_effects(reversal, target)
    author = adapter_of(target).author(target)
    if author is not None and author != target and decision.restrictions.exists():
        run_effects(reversal, author)
    notify_author(reversal, target, at)


def _level_before(decision: Decision) -> int | None:
    """The level that held before: of the last decision that set one, else of the last screening."""
    same = {"target_type": decision.target_type, "target_id": decision.target_id}
    earlier = Decision.objects.filter(**same, level__isnull=False, pk__lt=decision.pk).order_by("-pk").first()
    if earlier is not None:
        return earlier.level
    screened = Screening.objects.filter(**same, created_at__lte=decision.decided_at).order_by("-pk").first()
    return None if screened is None else screened.level
