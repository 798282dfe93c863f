"""Strikes, restrictions and bans."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import ApiToken, User
from accounts.tokens.services import issue_token
from lib.errors import Refused
from moderation.models import Case, Decision, Restriction, Strike
from moderation.restrictions.services import add_strike, end_restriction, require_unrestricted, restrict_member
from tests.moderation.examples import make_decision

Action = Decision.Action
pytestmark = pytest.mark.django_db


def test_strikes_pause_then_mute_and_open_a_case_at_most_one_a_day(alice: User) -> None:
    now = timezone.now()
    assert add_strike(user=alice, decision=make_decision(alice), at=now)
    assert add_strike(user=alice, decision=make_decision(alice), at=now + timedelta(hours=23)) is None
    require_unrestricted(user=alice, doing="generate", at=now + timedelta(hours=23))
    second = now + timedelta(hours=25)
    assert add_strike(user=alice, decision=make_decision(alice), at=second)
    with pytest.raises(Refused):
        require_unrestricted(user=alice, doing="generate", at=second + timedelta(days=2.9))
    require_unrestricted(user=alice, doing="generate", at=second + timedelta(days=3.1))
    require_unrestricted(user=alice, doing="publish", at=second)
    third = now + timedelta(days=4)
    assert add_strike(user=alice, decision=make_decision(alice), at=third)
    with pytest.raises(Refused):
        require_unrestricted(user=alice, doing="publish", at=third + timedelta(days=365))
    assert Case.objects.get(target_id=alice.pk).origin == "strikes"


def test_strikes_expire_after_30_days(alice: User) -> None:
    now = timezone.now()
    for day in (0, 31, 62):
        add_strike(user=alice, decision=make_decision(alice), at=now + timedelta(days=day))
    assert Strike.objects.active(now + timedelta(days=62)).count() == 1
    assert not Restriction.objects.exists()


def test_a_ban_ends_sessions_and_tokens_and_lifting_it_lets_back_in(
    alice: User, django_capture_on_commit_callbacks: object
) -> None:
    issue_token(user=alice, name="script")
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        ban = restrict_member(user=alice, kind=Restriction.Kind.BANNED, until=None, decision=None)
    alice.refresh_from_db()
    assert not alice.is_active
    assert not ApiToken.objects.filter(user=alice).exists()
    end_restriction(restriction=ban)
    alice.refresh_from_db()
    assert alice.is_active
