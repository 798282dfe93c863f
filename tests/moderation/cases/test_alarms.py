"""Cases near their legal deadline, and past it, are mailed to those who may decide them, once each."""

from datetime import timedelta
from functools import partial

import pytest
from django.core import mail
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.models import User
from moderation import tasks
from moderation.cases.alarms import count_pressed, mail_alarm, raise_alarms
from moderation.cases.services import open_case
from moderation.models import Case

NOW = timezone.now() - timedelta(hours=48.6)


@pytest.mark.django_db
def test_a_case_near_its_deadline_is_mailed_once_and_once_more_when_it_is_late(
    mod: User, steve: User, bob: User, mallory: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    def alarm(hours: float) -> tuple[int, list[str]]:
        mail.outbox.clear()
        at = NOW + timedelta(hours=hours)
        with django_capture_on_commit_callbacks() as sent:
            number = raise_alarms(at=at)
        for send in sent:
            assert isinstance(send, partial)
            assert send.args == (tasks.mail_alarm.name,)
            user_id, case_ids = send.keywords["args"]
            mail_alarm(user_id=user_id, case_ids=case_ids, at=at)
        return number, sorted(each.to[0] for each in mail.outbox)

    case = open_case(target=mallory, origin="report", severity=5, at=NOW, due_at=NOW + timedelta(hours=48))
    secret = open_case(target=bob, origin="report", severity=5, at=NOW, due_at=NOW + timedelta(hours=49))
    Case.objects.filter(pk=secret.pk).update(is_escalated=True)
    assert alarm(hours=40) == (0, [])
    assert alarm(hours=42.5) == (1, [mod.email, steve.email])
    assert f"/moderation/cases/{case.public_id}/" in mail.outbox[0].body
    assert alarm(hours=42.6) == (0, [])
    assert alarm(hours=43.5) == (1, [steve.email]), "an escalated case is for staff alone"
    assert count_pressed(NOW + timedelta(hours=48.5)) == {"soon": 1, "late": 1}
    assert alarm(hours=48.5) == (1, [mod.email, steve.email])
    assert "Overdue since" in mail.outbox[0].body
    Case.objects.update(state=Case.State.CLOSED)
    assert alarm(hours=60) == (0, [])
