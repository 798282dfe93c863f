"""Notices from outside: they open a case with a clock of 48 hours, and their senders can follow it."""

from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import models, transaction
from django.urls import Resolver404, resolve, reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from lib.errors import Refused
from lib.limits import check_rate
from lib.tasks import enqueue_on_commit
from moderation.cases.models import Case
from moderation.cases.services import open_case
from moderation.decisions.models import INTERNAL, Decision
from moderation.decisions.statements import outcome_for_sender
from moderation.notices.models import ANSWER_WITHIN, Notice
from moderation.policy import POLICY, Reason
from moderation.targets import adapters

NOTICES_A_DAY = 10
REASONS = {Notice.Kind.INTIMATE: Reason.INTIMATE, Notice.Kind.COPYRIGHT: Reason.RIGHTS}


def find_target(url: str) -> models.Model | None:
    """What a page of this site is about, by its address; None for another site's, or where members made nothing."""
    parts = urlsplit(url.strip())
    if parts.netloc and parts.netloc != urlsplit(settings.SITE_URL).netloc:
        return None
    try:
        match = resolve(parts.path)
    except Resolver404:
        return None
    for adapter in adapters():
        if match.view_name in adapter.pages:
            field, value = next(iter(match.kwargs.items()))
            wanted = {"username__iexact": value} if field == "username" else {"public_id": value}
            found: models.Model | None = adapter.model._base_manager.filter(**wanted).first()
            return None if found is None or adapter.is_deleted(found) else found
    return None


def send_notice(
    *, sender: str, kind: str, url: str, explanation: str, name: str = "", email: str = "", at: datetime | None = None
) -> Notice:
    """Keeps a notice and opens its case, due within 48 hours.

    Args:
        sender: the network it comes from, for the limit of ten a day.

    Raises:
        Refused: 400 with `fields`; 429 too many.
    """
    now = at or timezone.now()
    target = _target_of(url)
    check_rate(key=f"notice:{sender}", limit=NOTICES_A_DAY, seconds=86_400)
    with transaction.atomic():
        case = open_case(
            target=target,
            origin=Case.Origin.NOTICE,
            severity=max(POLICY[REASONS[Notice.Kind(kind)]].severity, 4),
            at=now,
            due_at=now + ANSWER_WITHIN,
        )
        notice = Notice.objects.create(
            case=case, kind=kind, url=url[:500], name=name.strip(), email=email.strip(),
            explanation=explanation.strip(), created_at=now, due_at=now + ANSWER_WITHIN,
        )  # fmt: skip
        if notice.email:
            enqueue_on_commit("moderation.send_receipt", notice.pk)  # by name: the module of the task imports this one
    return notice


def _target_of(url: str) -> models.Model:
    try:
        target = find_target(url)
    except ValueError:  # no address at all, such as http://[
        target = None
    if target is None:
        message = _("We found nothing at this address. Copy the address of the picture's own page on this site.")
        raise Refused("no_target", message, fields={"url": [message]})
    return target


def status_url(notice: Notice) -> str:
    return settings.SITE_URL + reverse("moderation:notice-status", args=[notice.token])


def decision_on(notice: Notice) -> Decision | None:
    """The last decision about its case that has not been taken back; None while it is open."""
    if notice.case.state != Case.State.CLOSED:
        return None
    made = Decision.objects.filter(case=notice.case, reversed_by=None, reverses=None).exclude(action__in=INTERNAL)
    return made.order_by("-pk").first()


def send_receipt(*, notice_id: int) -> None:
    """The receipt by mail, with the link to follow the notice."""
    notice = Notice.objects.exclude(email="").filter(pk=notice_id).first()
    if notice is None:
        return
    body = _(
        "We received your notice about %(url)s.\n\nA moderator will decide within 48 hours, by %(due)s UTC. "
        "You can follow it here; keep this link to yourself:\n%(link)s\n"
    ) % {"url": notice.url, "due": f"{notice.due_at:%Y-%m-%d %H:%M}", "link": status_url(notice)}
    subject = _("Your notice to %(site)s") % {"site": settings.SITE_NAME}
    EmailMessage(subject, body, to=[notice.email]).send()


def answer_senders(*, case_id: int) -> None:
    """Tells the senders of a decided case by mail what was decided."""
    for notice in Notice.objects.filter(case=case_id).exclude(email="").select_related("case"):
        decision = decision_on(notice)
        if decision is None:
            continue
        body = f"{outcome_for_sender(decision)}\n\n{status_url(notice)}\n"
        subject = _("Your notice to %(site)s is answered") % {"site": settings.SITE_NAME}
        EmailMessage(subject, body, to=[notice.email]).send()


def forget_senders(*, at: datetime) -> int:
    """Blanks who sent a notice, and their words, when the retention of evidence ends; returns how many."""
    before = at - timedelta(days=settings.EVIDENCE_DAYS)
    return Notice.objects.forgettable(before).update(name="", email="", explanation="")
