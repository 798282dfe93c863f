"""A member's word against the flags on their answers, and the team's answer to it."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Role, User
from accounts.services import notify
from lib.errors import NotFound, Refused
from lib.limits import check_rate
from moderation.models import Screening
from moderation.screening.observations import TextKind
from moderation.screening.services import screen_text
from ratings.quality.flags import evaluate_raters
from ratings.quality.models import QualityAppeal, QualityFlag

APPEALS_A_WEEK = 3
LONGEST_TEXT = 2000


def appeal_flags(*, rater: User, text: str, at: datetime | None = None) -> QualityAppeal:
    """The member's appeal against all that is flagged now. Raises Refused: nothing to appeal against (409), one is
    open already (409), no or refused words (400), too many (429)."""
    at = at or timezone.now()
    if not QualityFlag.objects.in_force().filter(ask__rater=rater).exists():
        raise Refused(
            "nothing_flagged", _("All of your answers count. There is nothing to appeal against."), status=409
        )
    words = _clean(text, _("Say in your own words how you gave these answers."), "text")
    check_rate(key=f"quality-appeal:{rater.pk}", limit=APPEALS_A_WEEK, seconds=7 * 24 * 3600)
    try:
        with transaction.atomic():
            return QualityAppeal.objects.create(rater=rater, text=words, created_at=at)
    except IntegrityError:
        raise Refused("appealed", _("Your appeal is with the team already."), status=409) from None


@transaction.atomic
def answer_quality_appeal(
    *, appeal: QualityAppeal, member: User, is_granted: bool, answer: str, at: datetime | None = None
) -> list[int]:
    """Answers an open appeal. Granted, what was answered before the appeal counts again, and stays so.

    Its author is told. Returns the images whose ratings count differently now. Raises Refused: no role (404), an
    appeal of their own (403), no words (400), answered already (409).
    """
    at = at or timezone.now()
    if not member.has_role(Role.RESEARCHER):
        raise NotFound(_("There is no such appeal."))
    if appeal.rater_id == member.pk:
        raise Refused("own_appeal", _("Somebody else has to answer: this is your own appeal."), status=403)
    words = _clean(answer, _("The member will read your answer: write a sentence or two."), "answer")
    state = QualityAppeal.State.GRANTED if is_granted else QualityAppeal.State.DENIED
    waiting = QualityAppeal.objects.filter(pk=appeal.pk, state=QualityAppeal.State.OPEN)
    if not waiting.update(state=state, answer=words, answered_by=member, answered_at=at):
        raise Refused("answered", _("This appeal has been answered already."), status=409)
    notify(recipient=appeal.rater, kind="quality.appeal", target=appeal, at=at)
    return evaluate_raters(raters=[appeal.rater_id], at=at) if is_granted else []


def _clean(text: str, empty: str | Promise, field: str) -> str:
    words = text.strip()[:LONGEST_TEXT]
    if not words:
        raise Refused("empty", empty, fields={field: [empty]})
    verdict = screen_text(text=words, kind=TextKind.COMMENT)
    if verdict.verdict == Screening.Verdict.REJECT:
        raise Refused("screened", verdict.message, fields={field: [verdict.message]})
    return words
