"""Reports, the queue, and decisions about members."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, connections, transaction
from django.db.utils import IntegrityError
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import ApiToken, Notification, User
from accounts.services import issue_token
from lib.errors import NotFound, Refused
from moderation.appeals.services import answer_appeal, appeal_decision
from moderation.cases.services import claim_case, open_case, record_screening, release_expired_claims, report_target
from moderation.decisions.services import decide_case
from moderation.models import Case, Decision, Report, Restriction, Screening, Strike
from moderation.restrictions.services import add_strike, lift_restriction, require_unrestricted, restrict_member
from moderation.screening.services import screen_text
from tests.conftest import MakeMember
from tests.generation.fixtures import MakeImage
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


def test_a_claim_runs_out_and_its_decision_is_refused(
    alice: User, mallory: User, mod: User, mia: User, report_member: ReportMember
) -> None:
    case, now = report_member(mallory, alice), timezone.now()
    claim_case(moderator=mod, case=case, at=now)
    later = now + timedelta(minutes=16)
    assert release_expired_claims(at=later) == 1
    with pytest.raises(Refused) as refused:
        decide_case(case=case, moderator=mod, action=Action.APPROVE, at=later)
    assert refused.value.status == 409
    assert claim_case(moderator=mia, at=later) == case


def test_nobody_judges_their_own_things(alice: User, mod: User, report_member: ReportMember) -> None:
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


def test_a_decision_is_written_told_and_closes_the_case(
    alice: User, mallory: User, mod: User, report_member: ReportMember
) -> None:
    case = report_member(mallory, alice)
    claim_case(moderator=mod, case=case)
    decision = decide_case(
        case=case, moderator=mod, action=Action.RESTRICT, reason="hate", note="Three insults.", restriction="muted"
    )
    case.refresh_from_db()
    assert case.state == Case.State.CLOSED
    assert Notification.objects.get(recipient=mallory).target_id == decision.pk
    with pytest.raises(Refused) as refused:
        require_unrestricted(user=mallory, doing="publish")
    assert refused.value.status == 403
    require_unrestricted(user=mallory, doing="generate")
    require_unrestricted(user=mallory, doing="publish", at=timezone.now() + timedelta(days=4))


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"action": "vanish", "reason": "hate"}, "action"),
        ({"action": "remove", "reason": ""}, "reason"),
        ({"action": "remove", "reason": "because"}, "reason"),
        ({"action": "level", "reason": "sexual"}, "level"),
    ],
)
def test_an_incomplete_decision_says_what_is_missing_and_changes_nothing(
    arguments: dict[str, str], field: str, alice: User, mallory: User, mod: User, report_member: ReportMember
) -> None:
    case = report_member(mallory, alice)
    claim_case(moderator=mod, case=case)
    with pytest.raises(Refused) as refused:
        decide_case(case=case, moderator=mod, **arguments)  # type: ignore[arg-type]
    assert field in refused.value.fields
    assert not Decision.objects.exists()


def test_an_effect_that_fails_undoes_the_decision(
    alice: User, mallory: User, mod: User, report_member: ReportMember, settings: object
) -> None:
    settings.MODERATION_EFFECTS = ["tests.moderation.broken_effects"]  # type: ignore[attr-defined]
    case = report_member(mallory, alice)
    claim_case(moderator=mod, case=case)
    with pytest.raises(RuntimeError), transaction.atomic():
        decide_case(case=case, moderator=mod, action=Action.APPROVE)
    case.refresh_from_db()
    assert case.state == Case.State.CLAIMED
    assert not Decision.objects.exists()


@pytest.mark.parametrize("statement", ["UPDATE {} SET policy_version = 'x'", "DELETE FROM {}"])
@pytest.mark.parametrize("table", ["moderation_decision", "moderation_screening"])
def test_ledgers_cannot_be_rewritten(statement: str, table: str, alice: User) -> None:
    _decision(alice)
    record_screening(verdict=screen_text(text="a cat", kind="prompt"), author=alice)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format(table))


def _decision(author: User, days_ago: float = 0) -> Decision:
    from moderation.pseudonyms import pseudonym

    return Decision.objects.create(
        target_type="accounts.user",
        target_id=author.pk,
        action=Action.REMOVE,
        reason="hate",
        actor_pseudonym="somebody",
        author_pseudonym=pseudonym(author.pk),
        policy_version="1",
        decided_at=timezone.now() - timedelta(days=days_ago),
    )


def test_strikes_pause_then_mute_and_open_a_case_at_most_one_a_day(alice: User) -> None:
    now = timezone.now()
    assert add_strike(user=alice, decision=_decision(alice), at=now)
    assert add_strike(user=alice, decision=_decision(alice), at=now + timedelta(hours=23)) is None
    require_unrestricted(user=alice, doing="generate", at=now + timedelta(hours=23))
    second = now + timedelta(hours=25)
    assert add_strike(user=alice, decision=_decision(alice), at=second)
    with pytest.raises(Refused):
        require_unrestricted(user=alice, doing="generate", at=second + timedelta(days=2.9))
    require_unrestricted(user=alice, doing="generate", at=second + timedelta(days=3.1))
    require_unrestricted(user=alice, doing="publish", at=second)
    third = now + timedelta(days=4)
    assert add_strike(user=alice, decision=_decision(alice), at=third)
    with pytest.raises(Refused):
        require_unrestricted(user=alice, doing="publish", at=third + timedelta(days=365))
    assert Case.objects.get(target_id=alice.pk).origin == "strikes"


def test_strikes_expire_after_30_days(alice: User) -> None:
    now = timezone.now()
    for day in (0, 31, 62):
        add_strike(user=alice, decision=_decision(alice), at=now + timedelta(days=day))
    assert Strike.objects.active(now + timedelta(days=62)).count() == 1
    assert not Restriction.objects.exists()


def test_an_appeal_needs_another_moderator_and_granting_takes_everything_back(
    alice: User, bob: User, mallory: User, mod: User, mia: User, report_member: ReportMember
) -> None:
    case = report_member(alice, bob)
    claim_case(moderator=mod, case=case)
    decision = decide_case(case=case, moderator=mod, action=Action.RESTRICT, reason="hate")
    add_strike(user=alice, decision=decision, at=timezone.now())
    with pytest.raises(NotFound):
        appeal_decision(decision=decision, author=mallory, text="Let me.")
    appeal = appeal_decision(decision=decision, author=alice, text="It was a quotation.")
    with pytest.raises(Refused) as twice:
        appeal_decision(decision=decision, author=alice, text="Again.")
    assert twice.value.status == 409
    with pytest.raises(Refused) as own:
        answer_appeal(appeal=appeal, moderator=mod, is_granted=False, answer="No.")
    assert own.value.code == "same_moderator"
    answer_appeal(appeal=appeal, moderator=mia, is_granted=True, answer="You are right.")
    assert Decision.objects.get(reverses=decision).reason == "appeal"
    assert not Strike.objects.active(timezone.now()).exists()
    require_unrestricted(user=alice, doing="generate")
    with pytest.raises(Refused):
        answer_appeal(appeal=appeal, moderator=mia, is_granted=False, answer="Or not.")


def test_an_appeal_comes_too_late_after_30_days(alice: User) -> None:
    with pytest.raises(Refused):
        appeal_decision(decision=_decision(alice, days_ago=31), author=alice, text="Late.")


def test_a_ban_ends_sessions_and_tokens_and_lifting_it_lets_back_in(
    alice: User, django_capture_on_commit_callbacks: object
) -> None:
    issue_token(user=alice, name="script")
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        ban = restrict_member(user=alice, kind=Restriction.Kind.BANNED, until=None, decision=None)
    alice.refresh_from_db()
    assert not alice.is_active
    assert not ApiToken.objects.filter(user=alice).exists()
    lift_restriction(restriction=ban)
    alice.refresh_from_db()
    assert alice.is_active


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


def test_a_removal_opens_cases_for_what_was_made_from_it_in_as_many_queries_as_for_one(
    alice: User,
    bob: User,
    mod: User,
    make_image: MakeImage,
    report_member: ReportMember,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    image = make_image(alice)
    made = [make_image(bob, parent=image) for _ in range(6)]
    open_case(target=made[0], origin="report", severity=5)
    open_case(target=image, origin="report", severity=2)
    case = Case.objects.get(target_id=image.pk, origin="report", severity=2)
    claim_case(moderator=mod, case=case)
    with django_assert_max_num_queries(40):  # each case of its own cost six
        decide_case(case=case, moderator=mod, action=Action.REMOVE, reason="sexual")
    cases = Case.objects.unclosed().filter(target_type="generation.image")
    assert {each.target_id for each in cases} == {each.pk for each in made}
    assert sorted(cases.values_list("origin", "severity")) == [("related", 1)] * 5 + [("report", 5)]
    assert all(each.author == bob for each in cases)
