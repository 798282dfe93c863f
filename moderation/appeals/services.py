"""Appeals: the author's word against a decision, answered by another moderator than the one who decided."""

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Role, User
from accounts.services import notify
from lib.errors import NotFound, Refused
from moderation.appeals.models import WINDOW, Appeal
from moderation.decisions.models import Decision
from moderation.decisions.reversal import reverse_decision
from moderation.policy import Reason
from moderation.pseudonyms import pseudonym

APPEALABLE = (Decision.Action.REMOVE, Decision.Action.LEVEL, Decision.Action.HOLD, Decision.Action.RESTRICT)
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
    if appeal.decision.actor_pseudonym == pseudonym(moderator.pk):
        raise Refused("same_moderator", _("Another moderator has to answer: this was your decision."), status=403)
    if not Appeal.objects.answerable_by(moderator).filter(pk=appeal.pk).exists():
        raise Refused("no_rank", _("Somebody above you has to answer this appeal."), status=403)
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
            reverse_decision(
                decision=appeal.decision,
                actor=pseudonym(moderator.pk),
                reason=Reason.APPEAL,
                author=appeal.author,
                at=now,
            )
        notify(recipient=appeal.author, kind="moderation.appeal", target=appeal.decision, at=now)
    appeal.refresh_from_db()
    return appeal
