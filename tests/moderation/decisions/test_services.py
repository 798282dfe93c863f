"""Decisions: written once, applied everywhere, with the reasons for the author."""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.utils import IntegrityError
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import Notification, User
from lib.errors import Refused
from moderation.cases.services import claim_case, open_case, record_screening, release_expired_claims
from moderation.decisions.services import decide_case
from moderation.models import Case, Decision
from moderation.restrictions.services import require_unrestricted
from moderation.screening.services import screen_text
from tests.generation.fixtures import MakeImage
from tests.moderation.conftest import ReportMember
from tests.moderation.examples import make_decision

Action = Decision.Action
pytestmark = pytest.mark.django_db


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


def test_a_decision_is_written_notified_and_closes_the_case(
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
    make_decision(alice)
    record_screening(verdict=screen_text(text="a cat", kind="prompt"), author=alice)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format(table))


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
    with django_assert_max_num_queries(36):  # each case of its own cost six
        decide_case(case=case, moderator=mod, action=Action.REMOVE, reason="sexual")
    cases = Case.objects.unclosed().filter(target_type="generation.image")
    assert {each.target_id for each in cases} == {each.pk for each in made}
    assert sorted(cases.values_list("origin", "severity")) == [("related", 1)] * 5 + [("report", 5)]
    assert all(each.author == bob for each in cases)
