"""Reports and the queue: cases merge, and two moderators never hold the same one."""

import threading
from datetime import timedelta

import pytest
from django.db import connections

from accounts.models import Notification, User
from lib.errors import NotFound, Refused
from moderation.cases.services import claim_case, open_case, record_screening, report_target
from moderation.decisions.services import decide_case
from moderation.models import Case, Decision, Report, Screening
from moderation.screening.services import screen_text
from tests.conftest import MakeMember
from tests.moderation.conftest import ReportMember

Action = Decision.Action
pytestmark = pytest.mark.django_db


def test_reports_of_one_target_merge_and_the_gravest_reason_counts(
    alice: User, bob: User, mallory: User, report_member: ReportMember
) -> None:
    case = report_member(mallory, alice, "spam")
    assert report_member(mallory, bob, "minor") == case
    report_member(mallory, bob, "other")
    case.refresh_from_db()
    assert (case.severity, case.reports.count()) == (5, 2)


def test_an_intimate_notice_starts_a_clock_of_48_hours_and_goes_first(
    alice: User, bob: User, mallory: User, mod: User, report_member: ReportMember
) -> None:
    report_member(bob, alice, "minor")
    urgent = report_member(mallory, alice, "intimate")
    assert urgent.due_at == urgent.opened_at + timedelta(hours=48)
    assert claim_case(moderator=mod) == urgent


def test_one_cannot_report_oneself_nor_what_is_not_there(alice: User, mallory: User) -> None:
    with pytest.raises(Refused):
        report_target(target=alice, reporter=alice, reason="hate")
    User.objects.filter(pk=mallory.pk).update(is_active=False)
    with pytest.raises(NotFound):
        report_target(target=mallory, reporter=alice, reason="hate")
    with pytest.raises(Refused) as refused:
        report_target(target=alice, reporter=mallory, reason="because")
    assert "reason" in refused.value.fields
    assert not Report.objects.exists()


def test_a_second_moderator_gets_another_case_or_none(
    alice: User, bob: User, mallory: User, mod: User, mia: User, report_member: ReportMember
) -> None:
    first = report_member(mallory, alice, "minor")
    second = report_member(bob, alice, "spam")
    assert claim_case(moderator=mod) == first
    assert claim_case(moderator=mod) == first, "one case at a time"
    assert claim_case(moderator=mia) == second
    with pytest.raises(Refused) as refused:
        claim_case(moderator=mia, case=first)
    assert refused.value.status == 409


def test_nobody_decides_about_their_own_content(alice: User, mod: User, report_member: ReportMember) -> None:
    case = report_member(mod, alice)
    assert claim_case(moderator=mod) is None
    with pytest.raises(Refused):
        claim_case(moderator=mod, case=case)


def test_an_escalated_case_is_for_staff(
    alice: User, mallory: User, mod: User, mia: User, steve: User, report_member: ReportMember
) -> None:
    case = report_member(mallory, alice)
    claim_case(moderator=mod, case=case)
    decide_case(case=case, moderator=mod, action=Action.ESCALATE, reason="hate")
    assert claim_case(moderator=mia) is None
    assert claim_case(moderator=steve) == case
    assert not Notification.objects.filter(recipient=mallory).exists()


def test_a_held_thing_gets_a_case_and_an_allowed_one_none(alice: User) -> None:
    record_screening(verdict=screen_text(text="a cat", kind="profile"), target=alice, author=alice)
    assert not Case.objects.exists()
    verdict = screen_text(text="naked child", kind="profile")
    record_screening(verdict=verdict, target=alice, author=alice)
    assert (Case.objects.get().severity, Screening.objects.filter(verdict="reject").count()) == (5, 1)


@pytest.mark.django_db(transaction=True)
def test_moderators_who_press_at_the_same_time_never_hold_the_same_case(
    make_member: MakeMember, alice: User, bob: User, mallory: User, mod: User, mia: User
) -> None:
    for target in (alice, bob, mallory):
        open_case(target=target, origin="report", severity=1)
    barrier, taken = threading.Barrier(2), []

    def work(moderator: User) -> None:
        barrier.wait(timeout=10)
        while case := claim_case(moderator=moderator):
            taken.append(case.pk)
            decide_case(case=case, moderator=moderator, action=Action.APPROVE)
        connections.close_all()

    threads = [threading.Thread(target=work, args=[each]) for each in (mod, mia)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert len(taken) == len(set(taken)) == 3
    assert Decision.objects.count() == 3
