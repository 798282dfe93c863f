"""Voting on a challenge through the services: pairs in the ledger, what counts, and closing it once."""

import random
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import Notification, User
from feed.challenges.services import enter_challenge, withdraw_entry
from feed.models import Challenge, ChallengeEntry, Post
from feed.posts.services import unpublish_post
from generation.models import Image
from lib.errors import Refused
from moderation.models import Restriction
from moderation.restrictions.services import restrict_member
from ratings.asking.services import answer_comparison
from ratings.asking.tokens import token_for
from ratings.challenges import services
from ratings.challenges.services import close_challenge, close_challenges, draw_vote, progress_of
from ratings.models import Ask, Comparison, Policy
from tests.conftest import ApiAs, As, MakeMember
from tests.feed.conftest import PublishMany, publish_many
from tests.ratings.answers import vote

__all__ = ["publish_many"]  # a fixture
pytestmark = pytest.mark.usefixtures("always")

DAY = date(2026, 3, 7)  # in New York 5:00 UTC to 5:00 UTC of the next; the day after has 23 hours
NOON = datetime(2026, 3, 7, 17, tzinfo=UTC)
VOTING = datetime(2026, 3, 8, 12, tzinfo=UTC)
ENDS = datetime(2026, 3, 9, 4, tzinfo=UTC)  # clocks went forward
BEFORE = ENDS - timedelta(seconds=1)


@pytest.fixture
def challenge(settings: Settings, db: None) -> Challenge:
    settings.TIME_ZONE = "America/New_York"
    return Challenge.objects.create(day=DAY, theme="Round things")


Enter = Callable[..., list[Post]]


@pytest.fixture
def enter(challenge: Challenge, publish_many: PublishMany) -> Enter:
    """``enter(5)``: as many entries, of an author each, in the order in which they were made."""

    def make(number: int, authors: list[User] | None = None) -> list[Post]:
        posts = publish_many(number, authors=authors or number, at=NOON)
        ChallengeEntry.objects.bulk_create(
            ChallengeEntry(challenge=challenge, post=post, member=post.author, created_at=NOON) for post in posts
        )
        return posts

    return make


@pytest.fixture
def judges(make_member: MakeMember) -> list[User]:
    return [make_member(f"judge{n}") for n in range(6)]


def prefer(judges: list[User], posts: list[Post], at: datetime = VOTING) -> None:
    """Every judge votes on every pair: the earlier of `posts` is the better."""
    for judge in judges:
        for place, better in enumerate(posts):
            for worse in posts[place + 1 :]:
                cast(judge, better, worse, at=at)


def cast(judge: User, better: Post, worse: Post, *, at: datetime = VOTING, **fields: Any) -> Comparison:
    stored = vote(judge, better.image, worse.image, fields.pop("prefers", better.image), at=at, **fields)
    Ask.objects.filter(pk=stored.ask_id).update(strategy="challenge-active")
    return stored


def places(challenge: Challenge) -> dict[int, int | None]:
    return dict(ChallengeEntry.objects.filter(challenge=challenge).values_list("post", "place"))


def test_a_pair_is_an_ask_of_the_ledger_with_its_strategy_and_every_probability(
    challenge: Challenge, enter: Enter, bob: User
) -> None:
    enter(3)
    ask = draw_vote(challenge=challenge, rater=bob, at=VOTING, rng=random.Random(1))
    assert ask
    ask.refresh_from_db()
    assert (ask.strategy, ask.surface, ask.p_strategy, ask.p_side) == ("challenge-active", "compare", 1, 0.5)
    assert 0 < ask.p_pair < 1
    assert ask.propensity == pytest.approx(ask.p_pair / 2)
    assert draw_vote(challenge=challenge, rater=bob, at=VOTING) == ask, "a pair left open comes back"


def test_nobody_is_shown_their_own_entry_or_what_they_may_not_see(
    challenge: Challenge, enter: Enter, alice: User, bob: User, make_member: MakeMember
) -> None:
    own, hidden, one, two = enter(4, [bob, alice, make_member("carol"), make_member("dave")])
    unpublish_post(post=hidden, author=alice)
    ask = draw_vote(challenge=challenge, rater=bob, at=VOTING)
    assert ask
    assert set(ask.subject) == {one.image_id, two.image_id}
    assert own.image_id not in ask.subject
    answer_comparison(token=token_for(ask), rater=bob, outcome="left", at=VOTING)
    assert draw_vote(challenge=challenge, rater=bob, at=VOTING) is None
    assert progress_of(challenge, bob, at=VOTING).is_done


@pytest.mark.parametrize("at", [NOON, ENDS])
def test_votes_are_taken_on_the_day_after_and_at_no_other_time(
    challenge: Challenge, enter: Enter, bob: User, at: datetime
) -> None:
    enter(3)
    with pytest.raises(Refused) as refused:
        draw_vote(challenge=challenge, rater=bob, at=at)
    assert refused.value.code == "not_voting"
    assert draw_vote(challenge=challenge, rater=bob, at=BEFORE)


def test_a_judge_is_shown_a_limited_number_of_pairs(
    challenge: Challenge, enter: Enter, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "VOTES_A_JUDGE", 4)
    enter(6)
    for _ in range(4):
        ask = draw_vote(challenge=challenge, rater=bob, at=VOTING)
        assert ask
        answer_comparison(token=token_for(ask), rater=bob, outcome="left", at=VOTING)
    assert draw_vote(challenge=challenge, rater=bob, at=VOTING) is None


def test_a_muted_member_does_not_vote(challenge: Challenge, enter: Enter, bob: User) -> None:
    enter(3)
    restrict_member(user=bob, kind=Restriction.Kind.MUTED, until=None, decision=None, at=NOON)
    with pytest.raises(Refused) as refused:
        draw_vote(challenge=challenge, rater=bob, at=VOTING)
    assert refused.value.status == 403


def test_the_result_is_written_once_with_the_figures_that_decided(
    challenge: Challenge, enter: Enter, judges: list[User]
) -> None:
    posts = enter(4)
    prefer(judges, posts)
    assert not close_challenge(challenge=challenge, at=BEFORE), "six judges are too few to end early"
    assert close_challenge(challenge=challenge, at=ENDS)
    challenge.refresh_from_db()
    assert (challenge.closing, challenge.judge_count, challenge.vote_count) == ("time", 6, 36)
    assert challenge.agreement == 1
    assert [places(challenge)[post.pk] for post in posts] == [1, 2, 3, 4]
    first = ChallengeEntry.objects.get(post=posts[0])
    assert (first.wins, first.losses, first.ties) == (18, 0, 0)
    assert first.strength is not None
    assert first.strength_low is not None
    assert first.strength_high is not None
    assert first.strength_low < first.strength < first.strength_high
    assert not close_challenge(challenge=challenge, at=ENDS + timedelta(hours=1))
    assert Notification.objects.filter(kind="challenge.result").count() == 4


def test_flagged_votes_those_on_ones_own_entry_and_those_that_come_late_do_not_count(
    challenge: Challenge, enter: Enter, judges: list[User], make_member: MakeMember
) -> None:
    posts = enter(2)
    for judge in judges:
        cast(judge, posts[0], posts[1])
    for n in range(20):
        cast(make_member(f"fast{n}"), posts[1], posts[0], quality_flags=["too_fast"])
    cast(posts[1].author, posts[1], posts[0])
    cast(make_member("late"), posts[1], posts[0], at=ENDS)
    count = services.refresh_count(challenge)
    assert count.judges == {judge.pk for judge in judges}
    assert count.standing.theta[0] > count.standing.theta[1]


@pytest.mark.parametrize(
    ("entries", "voters", "outcome", "closing"),
    [(0, 0, "", "no_entries"), (1, 0, "", "one_entry"), (3, 4, "", "few_judges"), (3, 6, "tie", "tied")],
)
def test_without_a_ranking_nobody_has_a_place(
    challenge: Challenge,
    enter: Enter,
    judges: list[User],
    entries: int,
    voters: int,
    outcome: str,
    closing: str,
) -> None:
    posts = enter(entries) if entries else []
    for judge in judges[:voters]:
        for one, other in ((0, 1), (0, 2), (1, 2)):
            fields: dict[str, Any] = {"prefers": outcome} if outcome else {}
            cast(judge, posts[one], posts[other], **fields)
    assert close_challenge(challenge=challenge, at=ENDS)
    challenge.refresh_from_db()
    assert challenge.closing == closing
    assert set(places(challenge).values()) <= {None}


def test_many_judges_who_agree_end_it_before_the_time_is_up(
    challenge: Challenge, enter: Enter, make_member: MakeMember
) -> None:
    posts = enter(3)
    prefer([make_member(f"many{n}") for n in range(40)], posts)
    assert close_challenges(at=VOTING + timedelta(hours=1)) == 1
    challenge.refresh_from_db()
    assert challenge.closing == "separated"


def test_nothing_closes_before_the_day_is_over(challenge: Challenge, enter: Enter) -> None:
    enter(1)
    last = datetime(2026, 3, 8, 4, 59, 59, tzinfo=UTC)
    assert close_challenges(at=last) == 0
    assert close_challenges(at=last + timedelta(seconds=1)) == 1


def test_an_entry_that_was_withdrawn_or_taken_down_before_the_end_takes_no_place(
    challenge: Challenge, enter: Enter, judges: list[User]
) -> None:
    posts = enter(4)
    prefer(judges, posts)
    withdraw_entry(challenge=challenge, post=posts[0], member=posts[0].author)
    unpublish_post(post=posts[1], author=posts[1].author)
    assert close_challenge(challenge=challenge, at=ENDS)
    assert places(challenge) == {posts[1].pk: None, posts[2].pk: 1, posts[3].pk: 2}


def test_an_answer_that_comes_after_the_end_is_kept_and_does_not_change_the_result(
    challenge: Challenge, enter: Enter, judges: list[User], bob: User
) -> None:
    posts = enter(3)
    prefer(judges, posts)
    assert draw_vote(challenge=challenge, rater=bob, at=VOTING)
    close_challenge(challenge=challenge, at=ENDS)
    before = list(ChallengeEntry.objects.order_by("pk").values_list("strength", "place"))
    cast(bob, posts[2], posts[0], at=BEFORE)  # its transaction committed late
    assert close_challenges(at=ENDS) == 0
    assert list(ChallengeEntry.objects.order_by("pk").values_list("strength", "place")) == before


@pytest.mark.django_db(transaction=True)
def test_two_schedulers_at_once_write_one_result(challenge: Challenge, enter: Enter, judges: list[User]) -> None:
    prefer(judges, enter(3))
    start, written = threading.Barrier(2), []

    def close() -> None:
        start.wait()
        written.append(close_challenge(challenge=Challenge.objects.get(pk=challenge.pk), at=ENDS))
        connection.close()

    threads = [threading.Thread(target=close) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(written) == [False, True]
    assert Notification.objects.filter(kind="challenge.result").count() == 3


# Pages and API


@pytest.fixture
def yesterday(db: None, publish_many: PublishMany) -> Challenge:
    """Yesterday's challenge, with three entries: it is voted on now."""
    at = timezone.now() - timedelta(days=1)
    challenge = Challenge.objects.create(day=timezone.localdate(at), theme="Something red")
    for post in publish_many(3, authors=3, at=at):
        ChallengeEntry.objects.create(challenge=challenge, post=post, member=post.author, created_at=at)
    return challenge


def test_the_page_shows_a_pair_and_goes_on_by_itself(yesterday: Challenge, bob: User, as_user: As) -> None:
    client = as_user(bob)
    address = reverse("ratings:challenge-vote", args=[yesterday.day])
    assert "Something red" in client.get(address).content.decode()
    for answered in range(3):
        ask = Ask.objects.get(outcome="open")
        body = {"token": token_for(ask), "outcome": "left", "dwell_ms": "3000"}
        answer = reverse("ratings:challenge-vote-answer", args=[yesterday.day, ask.public_id])
        html = client.post(answer, body, headers={"HX-Request": "true"}).content.decode()
        assert ("<form" in html) == (answered < 2)
    assert "that is all" in html
    assert Comparison.objects.filter(rater=bob).count() == 3
    assert client.get(reverse("feed:challenge-detail", args=[yesterday.day])).status_code == 200


def test_a_visitor_is_sent_to_sign_in_and_a_day_that_takes_no_votes_says_so(
    yesterday: Challenge, bob: User, as_user: As
) -> None:
    address = reverse("ratings:challenge-vote", args=[yesterday.day])
    assert as_user(None).get(address).status_code == 302
    Challenge.objects.filter(pk=yesterday.pk).update(closed_at=timezone.now(), closing="time")
    page = as_user(bob).get(address)
    assert page.status_code == 409
    assert 'role="alert"' in page.content.decode()
    assert as_user(bob).get(reverse("ratings:challenge-vote", args=["2001-01-01"])).status_code == 404


def test_a_pair_by_the_api_is_answered_as_any_comparison(yesterday: Challenge, bob: User, api_as: ApiAs) -> None:
    client = api_as(bob)
    pair = client.post(f"/api/challenges/{yesterday.day}/pair/")
    assert pair.status_code == 201
    body = pair.json()
    assert (body["prompt"], body["theme"]) == (None, "Something red")
    answer = client.post(f"/api/comparisons/{body['id']}/answer/", {"token": body["token"], "outcome": "tie"})
    assert answer.status_code == 200
    assert Comparison.objects.get().outcome == "tie"
    assert api_as(None).post(f"/api/challenges/{yesterday.day}/pair/").status_code == 401


def test_now_and_then_a_pair_is_a_check_that_is_no_vote(
    challenge: Challenge, enter: Enter, bob: User, make_policy: Callable[..., Policy]
) -> None:
    make_policy(p_gold=0.9, p_repeat=0)
    enter(3)
    ask = draw_vote(challenge=challenge, rater=bob, at=VOTING, rng=random.Random(3))
    assert ask
    assert (ask.strategy, ask.is_gold) == ("gold", True)
    assert ask.p_strategy == pytest.approx(0.9)
    answer_comparison(token=token_for(ask), rater=bob, outcome="left", at=VOTING)
    assert services.refresh_count(challenge).judges == set()


def test_an_own_picture_entered_by_its_maker_is_voted_on_by_others(
    challenge: Challenge, enter: Enter, alice: User
) -> None:
    (post,) = enter(1, [alice])
    enter_challenge(challenge=challenge, post=Post.objects.get(pk=post.pk), member=alice, at=NOON)
    assert ChallengeEntry.objects.count() == 1
    assert Image.objects.get(pk=post.image_id).is_public
