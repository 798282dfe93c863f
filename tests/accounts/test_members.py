"""Roles, refusals, rates, consent, notifications, and what a member may be shown."""

import pytest
from django.db import IntegrityError, connection, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.test import RequestFactory
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts import services
from accounts.models import ConsentEvent, Notification, Purpose, Role, User, level_for
from accounts.permissions import role_required
from lib.errors import Refused
from tests.conftest import MakeMember

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("who", "enters"), [("mod", True), ("alice", False), ("rita", False), (None, False)])
def test_a_page_for_a_role_is_not_there_for_others(
    who: str | None, enters: bool, request: pytest.FixtureRequest, rf: RequestFactory
) -> None:
    from django.contrib.auth.models import AnonymousUser

    @role_required(Role.MODERATOR)
    def page(request: HttpRequest) -> HttpResponse:
        return HttpResponse("in")

    asked = rf.get("/")
    asked.user = request.getfixturevalue(who) if who else AnonymousUser()
    if enters:
        assert page(asked).status_code == 200
    else:
        with pytest.raises(Http404):
            page(asked)


def test_staff_hold_every_role(make_member: MakeMember) -> None:
    steve = make_member("steve", Role.STAFF)
    assert steve.has_role(Role.MODERATOR)
    assert steve.has_role(Role.RESEARCHER)


def test_user_names_are_unique_whatever_their_case_in_every_alphabet(make_member: MakeMember) -> None:
    make_member("Жанна")
    with pytest.raises(IntegrityError), transaction.atomic():
        make_member("жАННА")


def test_the_last_word_on_a_purpose_holds_and_the_default_is_refused(alice: User, bob: User) -> None:
    granted = ConsentEvent.objects.granted(Purpose.TRAIN)
    assert list(granted) == []
    services.record_consent(user=alice, purpose="train", granted=True)
    services.record_consent(user=bob, purpose="train", granted=True)
    before = timezone.now()
    services.record_consent(user=bob, purpose="train", granted=False)
    assert list(granted.all()) == [alice.pk]
    assert set(ConsentEvent.objects.granted(Purpose.TRAIN, before)) == {alice.pk, bob.pk}
    assert ConsentEvent.objects.purposes_of(alice) == {"train"}


def test_saying_the_same_again_appends_nothing(alice: User) -> None:
    for _ in range(2):
        services.record_consent(user=alice, purpose="train", granted=True)
        services.record_consent(user=alice, purpose="publish", granted=False)
    assert ConsentEvent.objects.count() == 1


@pytest.mark.parametrize(
    "statement", ["UPDATE accounts_consentevent SET granted = false", "DELETE FROM accounts_consentevent"]
)
def test_consent_cannot_be_rewritten(statement: str, alice: User) -> None:
    services.record_consent(user=alice, purpose="train", granted=True)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_a_notification_is_sent_once_and_never_to_its_actor(alice: User, bob: User) -> None:
    for actor in (bob, bob, alice, None, None):
        services.notify(recipient=alice, kind="like", target=bob, actor=actor)
    assert Notification.objects.filter(recipient=alice).count() == 2
    assert services.mark_notifications_read(recipient=alice) == 2
    assert services.mark_notifications_read(recipient=alice) == 0


def test_mature_needs_a_stated_age_and_a_locked_site_stays_general(alice: User, settings: Settings) -> None:
    with pytest.raises(Refused) as refused:
        services.set_viewing(user=alice, is_adult=False, max_level=2)
    assert "max_level" in refused.value.fields
    services.set_viewing(user=alice, is_adult=True, max_level=2)
    assert level_for(alice) == 2
    settings.SAFE_MODE = True
    assert level_for(alice) == 0
    with pytest.raises(Refused):
        services.set_viewing(user=alice, is_adult=True, max_level=1)
