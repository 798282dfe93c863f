"""What a decided challenge leaves: places, badges, leaderboards, and what changes them afterwards."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Notification, User
from accounts.services import delete_account
from feed.challenges.results import honours_of, leaders, mark_posts, resting_members, store_outcome
from feed.challenges.services import withdraw_entry
from feed.models import Challenge, ChallengeEntry, Post
from feed.posts.services import delete_post, publish_image, unpublish_post
from feed.posts.visibility import refresh_visibility
from lib.days import local_day
from lib.errors import Refused
from moderation.models import Restriction
from moderation.restrictions.services import restrict_member
from tests.conftest import ApiAs, As, MakeMember
from tests.feed.challenges.conftest import DAY, ENDS, NOON, Decide, enter_all, outcome_of
from tests.feed.conftest import PublishMany


@pytest.fixture
def people(make_member: MakeMember) -> list[User]:
    return [make_member(name) for name in ("anna", "ben", "cleo", "dora")]


@pytest.fixture
def posts(people: list[User], publish_many: PublishMany) -> list[Post]:
    """One of each, the first the strongest."""
    return publish_many(4, authors=people, at=NOON)


def places(posts: list[Post]) -> list[int | None]:
    found = dict(ChallengeEntry.objects.values_list("post", "place"))
    return [found.get(post.pk) for post in posts]


def test_a_removed_banned_or_deleted_winner_passes_the_place_on(
    challenge: Challenge, posts: list[Post], people: list[User], decide: Decide
) -> None:
    decide(challenge, posts)
    assert places(posts) == [1, 2, 3, 4]
    unpublish_post(post=posts[0], author=people[0])
    assert places(posts) == [None, 1, 2, 3]
    restrict_member(user=people[1], kind=Restriction.Kind.BANNED, until=None, decision=None)
    refresh_visibility([posts[1].pk], timezone.now())  # as the decision's effect does
    assert places(posts) == [None, None, 1, 2]
    delete_post(post=posts[2], author=people[2])
    assert places(posts) == [None, None, None, 1]
    publish_image(image=posts[0].image, author=people[0])
    assert places(posts) == [1, None, None, 2], "what comes back has its place again"


def test_a_winner_who_deletes_the_account_leaves_no_entry(
    challenge: Challenge, posts: list[Post], people: list[User], decide: Decide
) -> None:
    decide(challenge, posts)
    delete_account(user=people[0])
    assert places(posts) == [None, 1, 2, 3]
    assert ChallengeEntry.objects.count() == 3


def test_the_outcome_is_written_by_the_first_and_never_before_the_day_is_over(
    challenge: Challenge, posts: list[Post]
) -> None:
    enter_all(challenge, posts)
    entries = list(ChallengeEntry.objects.order_by("pk").values_list("pk", flat=True))
    early = outcome_of(dict.fromkeys(entries, 1.0))
    assert not store_outcome(challenge=challenge, outcome=early, at=NOON)
    assert store_outcome(challenge=challenge, outcome=outcome_of({entries[0]: 1.0, entries[1]: 0.0}), at=ENDS)
    other = outcome_of({entries[0]: 0.0, entries[1]: 1.0})
    assert not store_outcome(challenge=Challenge.objects.get(pk=challenge.pk), outcome=other, at=ENDS)
    assert places(posts) == [1, 2, None, None]
    assert Notification.objects.filter(kind="challenge.result").count() == 4


def test_winners_rest_for_fourteen_days(
    challenge: Challenge, posts: list[Post], people: list[User], publish_many: PublishMany, decide: Decide
) -> None:
    decide(challenge, posts)
    later = Challenge.objects.create(day=DAY + timedelta(days=14), theme="Later")
    assert resting_members(later) == {people[0].pk}
    again = publish_many(4, authors=people, at=NOON + timedelta(days=14), first=12)
    decide(later, again, at=ENDS + timedelta(days=14))
    assert places(again) == [None, 1, 2, 3]
    assert resting_members(Challenge(day=DAY + timedelta(days=15))) == {people[1].pk}


def test_of_a_day_the_best_entry_of_a_member_counts(
    challenge: Challenge, people: list[User], publish_many: PublishMany, decide: Decide, alice: User
) -> None:
    decide(challenge, publish_many(3, authors=[people[0], people[0], people[1]], at=NOON))
    at = ENDS + timedelta(days=1)
    rows = [(row.username, row.points, row.wins, row.podiums) for row in leaders(alice, month=None, at=at)]
    assert rows == [("anna", 3, 1, 1), ("ben", 1, 0, 1)]
    assert len(leaders(alice, month=DAY, at=at)) == 2
    assert leaders(alice, month=DAY - timedelta(days=31), at=at) == []
    honours = honours_of(people[0], at=NOON)
    assert (honours.wins, honours.podiums, honours.streak) == (1, 2, 1)


def test_cards_and_profiles_of_a_winner_show_it_until_the_place_is_lost(
    challenge: Challenge, posts: list[Post], people: list[User], decide: Decide, as_user: As
) -> None:
    decide(challenge, posts)
    mark_posts(challenge_id=challenge.pk)
    assert "1st in a challenge" in as_user(None).get("/@anna/").content.decode()
    assert "1 challenge won" in as_user(None).get("/@anna/").content.decode()
    assert list(Post.objects.order_by("-pk").values_list("challenge_place", flat=True)) == [None, 3, 2, 1]
    unpublish_post(post=posts[0], author=people[0])
    mark_posts(challenge_id=challenge.pk)
    assert [Post.objects.get(pk=post.pk).challenge_place for post in posts] == [None, 1, 2, 3]


def test_a_decided_challenge_keeps_its_entries(
    challenge: Challenge, posts: list[Post], people: list[User], decide: Decide
) -> None:
    decide(challenge, posts)
    with pytest.raises(Refused) as refused:
        withdraw_entry(challenge=challenge, post=posts[0], member=people[0])
    assert refused.value.code == "finished"


def test_the_page_and_the_api_show_the_number_that_decided(
    challenge: Challenge, posts: list[Post], decide: Decide, as_user: As, api_as: ApiAs
) -> None:
    enter_all(challenge, posts)
    assert api_as(None).get(f"/api/challenges/{DAY}/result/").status_code == 404
    decide(challenge, posts)
    html = as_user(None).get(f"/challenge/{DAY}/").content.decode()
    assert "Winner" in html
    assert "20 members voted" in html
    assert "4.00" in html
    body = api_as(None).get(f"/api/challenges/{DAY}/result/").json()
    assert (body["closing"], body["judges"], body["votes"], body["agreement"]) == ("time", 20, 90, 0.8)
    assert [row["post"] for row in body["scores"]] == [post.public_id for post in posts]
    assert body["scores"][0]["strength"] == 4.0
    assert api_as(None).get(f"/api/challenges/{DAY}/").json()["stage"] == "finished"
    leaders_of_all = api_as(None).get("/api/challenges/leaders/?period=all").json()
    assert [row["author"] for row in leaders_of_all] == ["anna", "ben", "cleo"]


def test_past_challenges_leaders_and_the_feed_of_winners(
    challenge: Challenge, posts: list[Post], decide: Decide, as_user: As
) -> None:
    decide(challenge, posts)
    client = as_user(None)
    past = client.get("/challenge/past/").content.decode()
    assert "Round things" in past
    assert "anna" in past
    assert "anna" in client.get("/challenge/leaders/?month=all").content.decode()
    assert "Nobody on a podium yet" in client.get("/challenge/leaders/?month=2020-01").content.decode()
    assert client.get("/challenge/leaders/?month=x").status_code == 400
    for form in ("rss", "atom", "json"):
        feed = client.get(f"/challenge/winners/{form}/")
        assert posts[0].public_id in feed.content.decode()
        assert posts[1].public_id not in feed.content.decode()
    assert client.get("/challenge/winners/xml/").status_code == 404


def test_a_page_that_waits_gets_the_result_once_there_is_one(
    challenge: Challenge, posts: list[Post], decide: Decide, as_user: As
) -> None:
    enter_all(challenge, posts)
    client, address = as_user(None), f"/challenge/{DAY}/stage/?known=voting"
    waiting = client.get(address)
    assert "HX-Retarget" not in waiting.headers
    assert "Counting the votes" in waiting.content.decode()
    decide(challenge, posts)
    arrived = client.get(address)
    assert arrived.headers["HX-Retarget"] == "#challenge"
    assert "Winner" in arrived.content.decode()


def test_the_queries_of_a_day_do_not_grow_with_its_entries(
    publish_many: PublishMany, as_user: As, bob: User, django_assert_max_num_queries: object
) -> None:
    at = timezone.now()
    challenge = Challenge.objects.create(day=local_day(at), theme="Many")
    enter_all(challenge, publish_many(120, at=at))
    client = as_user(bob)
    client.get("/challenge/")
    with django_assert_max_num_queries(22):  # type: ignore[operator]
        assert client.get("/challenge/").status_code == 200
