"""Appeals against quality flags, and the team's answers."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Role, User
from accounts.services import notify
from lib.errors import NotFound, Refused
from lib.limits import check_rate
from lib.text import normalise_text
from moderation.models import Screening
from moderation.screening.observations import TextKind
from moderation.screening.services import screen_text
from ratings.quality.flags import evaluate_raters
from ratings.quality.models import QualityAppeal, QualityFlag

APPEALS_A_WEEK = 3
LONGEST_TEXT = 2000


def appeal_flags(*, rater: User, text: str, at: datetime | None = None) -> QualityAppeal:
    """Appeals against all current flags of the member.

    Raises:
        Refused: 400 for an empty or refused text, 409 if no answer is flagged or an appeal is open, 429 for too many.
    """
    at = at or timezone.now()
    if not QualityFlag.objects.in_force().filter(ask__rater=rater).exists():
        raise Refused("nothing_flagged", _("All your answers count, so there's nothing to appeal."), status=409)
    text = _clean(text, _("Tell us how you gave these answers."), "text")
    check_rate(key=f"quality-appeal:{rater.pk}", limit=APPEALS_A_WEEK, seconds=7 * 24 * 3600)
    try:
        with transaction.atomic():
            return QualityAppeal.objects.create(rater=rater, text=text, created_at=at)
    except IntegrityError:
        raise Refused("appealed", _("You already have an open appeal."), status=409) from None


@transaction.atomic
def answer_quality_appeal(
    *, appeal: QualityAppeal, member: User, is_granted: bool, answer: str, at: datetime | None = None
) -> None:
    """Answers an open appeal and notifies its author. If granted, answers given before the appeal count for good.

    Raises:
        Refused: 400 without a text, 403 for one's own appeal, 404 without the role, 409 if it is answered already.
    """
    at = at or timezone.now()
    if not member.has_role(Role.RESEARCHER):
        raise NotFound(_("Appeal not found."))
    if appeal.rater_id == member.pk:
        raise Refused("own_appeal", _("You can't answer your own appeal."), status=403)
    text = _clean(answer, _("Write an answer. The member will read it."), "answer")
    state = QualityAppeal.State.GRANTED if is_granted else QualityAppeal.State.DENIED
    open_appeal = QualityAppeal.objects.filter(pk=appeal.pk, state=QualityAppeal.State.OPEN)
    if not open_appeal.update(state=state, answer=text, answered_by=member, answered_at=at):
        raise Refused("answered", _("This appeal was already answered."), status=409)
    notify(recipient=appeal.rater, kind="quality.appeal", target=appeal, at=at)
    if is_granted:
        evaluate_raters(raters=[appeal.rater_id], at=at)


def _clean(text: str, empty: str | Promise, field: str) -> str:
    text = normalise_text(text)[:LONGEST_TEXT]
    if not text:
        raise Refused("empty", empty, fields={field: [empty]})
    verdict = screen_text(text=text, kind=TextKind.COMMENT)
    if verdict.verdict == Screening.Verdict.REJECT:
        raise Refused("screened", verdict.message, fields={field: [verdict.message]})
    return text
