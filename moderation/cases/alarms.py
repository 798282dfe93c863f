"""Warnings about cases whose legal clock runs out: by mail to those who may decide them, and as a number."""

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import F, Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Role, User
from lib.tasks import enqueue_on_commit
from moderation.cases.models import Case

MAIL = "moderation.mail_alarm"  # by name: the module of the task imports this one


def count_pressed(at: datetime) -> dict[str, int]:
    """How many cases are within six hours of their deadline (`soon`), and how many are past it (`late`)."""
    pressed = Case.objects.alarming(at)
    late = pressed.filter(due_at__lte=at).count()
    return {"soon": pressed.count() - late, "late": late}


def raise_alarms(*, at: datetime | None = None) -> int:
    """Mails about every case once when its deadline is near, and once when it has passed; returns how many cases.

    Idempotent: the row remembers its last alarm.
    """
    now = at or timezone.now()
    unheard = Q(alarmed_at=None) | Q(due_at__lte=now, alarmed_at__lt=F("due_at"))
    due = [
        pk
        for pk in Case.objects.alarming(now).filter(unheard).values_list("pk", flat=True)
        if Case.objects.filter(unheard, pk=pk).update(alarmed_at=now)
    ]
    for user_id in _deciders().values_list("pk", flat=True) if due else ():
        enqueue_on_commit(MAIL, user_id, due)
    return len(due)


def mail_alarm(*, user_id: int, case_ids: Iterable[int], at: datetime | None = None) -> bool:
    """Mails one moderator the open cases of these that are theirs to decide; False when there are none."""
    now = at or timezone.now()
    moderator = _deciders().filter(pk=user_id).first()
    if moderator is None:
        return False
    cases = list(Case.objects.unclosed().open_to(moderator).filter(pk__in=list(case_ids)).order_by("due_at", "pk"))
    if not cases:
        return False
    title = ngettext("%(number)s case is due", "%(number)s cases are due", len(cases)) % {"number": len(cases)}
    lines = [
        f"{_state(case, now)}  {settings.SITE_URL}{reverse('moderation:case', args=[case.public_id])}" for case in cases
    ]
    EmailMessage(f"{settings.SITE_NAME}: {title}", "\n".join(lines) + "\n", to=[moderator.email]).send()
    return True


def _state(case: Case, at: datetime) -> str:
    assert case.due_at is not None, "only cases with a deadline alarm"
    due = f"{case.due_at:%Y-%m-%d %H:%M} UTC"
    return _("Overdue since %(due)s") % {"due": due} if case.due_at <= at else _("Due %(due)s") % {"due": due}


def _deciders() -> "QuerySet[User]":
    roles = [Role.MODERATOR.value, Role.STAFF.value]
    found: QuerySet[User] = User.objects.filter(groups__name__in=roles, is_active=True).exclude(email="")
    ordered: QuerySet[User] = found.distinct().order_by("pk")
    return ordered
