"""Polls: one vote a member, results after voting, a closing date."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Role, User
from feed.models import Challenge, Poll, PollVote
from feed.polls.services import create_poll, view_poll, vote_in_poll
from lib.errors import Refused
from tests.conftest import ApiAs, As, MakeMember


@pytest.fixture
def poll(mod: User) -> Poll:
    closes = timezone.now() + timedelta(days=1)
    return create_poll(question="Tea or coffee?", options=["Tea", "Coffee"], closes_at=closes, created_by=mod)


def test_a_member_votes_once_and_then_sees_the_result(poll: Poll, alice: User, bob: User) -> None:
    at = timezone.now()
    for _ in range(2):
        vote_in_poll(poll=poll, option=0, member=alice)
    with pytest.raises(Refused) as refused:
        vote_in_poll(poll=poll, option=1, member=alice)
    assert refused.value.code == "voted"
    assert PollVote.objects.count() == 1
    assert [option.votes for option in view_poll(poll, alice, at).options] == [1, 0]
    assert [option.votes for option in view_poll(poll, bob, at).options] == [None, None]


def test_a_closed_poll_takes_no_votes_and_shows_its_result_to_everybody(poll: Poll, alice: User, bob: User) -> None:
    vote_in_poll(poll=poll, option=1, member=alice)
    with pytest.raises(Refused) as refused:
        vote_in_poll(poll=poll, option=1, member=bob, at=poll.closes_at)
    assert refused.value.code == "closed"
    assert [option.percent for option in view_poll(poll, bob, poll.closes_at).options] == [0, 100]


def test_a_poll_needs_a_question_two_different_options_and_a_time_to_come(mod: User) -> None:
    with pytest.raises(Refused) as refused:
        create_poll(question=" ", options=["Yes", "yes"], closes_at=timezone.now(), created_by=mod)
    assert set(refused.value.fields) == {"question", "options", "closes_at"}
    assert not Poll.objects.exists()


def test_staff_make_polls_on_a_page_and_members_vote_there(alice: User, make_member: MakeMember, as_user: As) -> None:
    staff = as_user(make_member("stella", Role.STAFF))
    closes = (timezone.localtime() + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")
    assert as_user(alice).get("/polls/new/").status_code == 404
    assert staff.post("/polls/new/", {"question": "?", "options": "One", "closes_at": closes}).status_code == 422
    made = staff.post("/polls/new/", {"question": "Which?", "options": "One\nTwo", "closes_at": closes})
    poll = Poll.objects.get()
    assert made.headers["Location"] == poll.get_absolute_url()
    client = as_user(alice)
    assert "Which?" in client.get("/polls/").content.decode()
    address = f"/polls/{poll.public_id}/vote/"
    assert "1 vote." in client.post(address, {"option": "1"}, headers={"HX-Request": "true"}).content.decode()
    assert client.post(address, {"option": "x"}, headers={"HX-Request": "true"}).status_code == 400
    assert as_user(None).post(address, {"option": "1"}).status_code == 302


def test_polls_by_the_api(poll: Poll, alice: User, api_as: ApiAs) -> None:
    address = f"/api/polls/{poll.public_id}/"
    assert api_as(None).get("/api/polls/").json()["results"][0]["options"][0]["votes"] is None
    assert api_as(alice).post(f"{address}vote/", {"option": 0}).json()["options"][0] == {
        "position": 0, "text": "Tea", "votes": 1, "is_own": True,
    }  # fmt: skip
    assert api_as(alice).post(f"{address}vote/", {"option": 1}).status_code == 409
    assert api_as(alice).post(f"{address}vote/", {"option": 7}).status_code == 404
    assert api_as(None).post(f"{address}vote/", {"option": 0}).status_code == 401


def test_staff_open_a_poll_beside_a_challenge_by_the_api(alice: User, make_member: MakeMember, api_as: ApiAs) -> None:
    today = timezone.localdate()
    Challenge.objects.create(day=today, theme="Round things")
    staff = api_as(make_member("stella", Role.STAFF))
    asked = {"question": "Which?", "options": ["One", "Two"], "closes_at": timezone.now() + timedelta(days=1)}
    assert api_as(alice).post("/api/polls/", asked, format="json").status_code == 404
    assert staff.post("/api/polls/", {**asked, "options": ["One", "one"]}, format="json").status_code == 400
    assert staff.post("/api/polls/", {**asked, "day": today + timedelta(days=1)}, format="json").status_code == 404
    assert not Poll.objects.exists()
    made = staff.post("/api/polls/", {**asked, "day": today}, format="json")
    assert made.status_code == 201
    assert [option["text"] for option in made.json()["options"]] == ["One", "Two"]
    assert Poll.objects.get().challenge == Challenge.objects.get()
