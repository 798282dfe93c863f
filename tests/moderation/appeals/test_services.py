"""Appeals: another moderator answers, and granting reverses everything."""

import pytest
from django.utils import timezone

from accounts.models import User
from lib.errors import NotFound, Refused
from moderation.appeals.services import answer_appeal, appeal_decision
from moderation.cases.services import claim_case
from moderation.decisions.services import decide_case
from moderation.models import Decision, Strike
from moderation.restrictions.services import add_strike, require_unrestricted
from tests.moderation.conftest import ReportMember
from tests.moderation.examples import make_decision

Action = Decision.Action
pytestmark = pytest.mark.django_db


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
        appeal_decision(decision=make_decision(alice, days_ago=31), author=alice, text="Late.")
