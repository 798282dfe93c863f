"""Counts and ranks are what the ledger says, whoever writes at the same time."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Notification, User
from feed.models import FeedEntry, Like, Post, PostCount, RankDrop, RecountRequest
from feed.posts import services as posts_services
from feed.posts.services import like_post, unlike_post
from feed.ranking import formulas
from feed.ranking.counters import (
    COUNT_DRIFT,
    RANK_DRIFT,
    SHOWN_DRIFT,
    Drift,
    process_recount_requests,
    reconcile_counts,
)
from generation.models import Image
from lib.errors import Refused
from moderation.models import Restriction
from tests.conftest import MakeMember
from tests.feed.conftest import Publish, PublishMany

NOW = timezone.now()


def refold(post: Post) -> tuple[int, float]:
    """(likes, hot) after a recount."""
    process_recount_requests(at=NOW)
    return PostCount.objects.get(post=post).likes, FeedEntry.objects.get(post=post).hot


def test_a_like_is_counted_once_and_its_author_notified_once(alice: User, bob: User, publish: Publish) -> None:
    post = publish(alice)
    assert like_post(post=post, member=bob)
    assert not like_post(post=post, member=bob)
    assert refold(post) == (1, formulas.hot(1, post.published_at))
    assert Notification.objects.filter(recipient=alice, kind="post.liked", actor=bob).count() == 1


def test_unliking_twice_is_unliking_once(alice: User, bob: User, publish: Publish) -> None:
    post = publish(alice)
    like_post(post=post, member=bob)
    assert unlike_post(post=post, member=bob)
    assert not unlike_post(post=post, member=bob)
    assert refold(post)[0] == 0


def test_authors_do_not_like_their_own(alice: User, publish: Publish) -> None:
    with pytest.raises(Refused) as refused:
        like_post(post=publish(alice), member=alice)
    assert refused.value.code == "own_post"


def test_what_is_not_shown_cannot_be_liked(alice: User, bob: User, mod: User, publish: Publish) -> None:
    post = publish(alice)
    posts_services.unpublish_post(post=post, author=alice)
    for member in (bob, mod):
        with pytest.raises(Refused) as refused:
            like_post(post=post, member=member)
        assert refused.value.status == 404


@pytest.mark.parametrize("kind", [Restriction.Kind.MUTED, Restriction.Kind.BANNED])
def test_likes_of_a_restricted_member_do_not_count(alice: User, bob: User, publish: Publish, kind: str) -> None:
    post = publish(alice)
    like_post(post=post, member=bob)
    Restriction.objects.create(user=bob, kind=kind, starts_at=NOW - timedelta(minutes=1))
    assert refold(post)[0] == 0
    assert Like.objects.count() == 1


def test_an_entry_is_written_only_when_its_rank_changes(
    alice: User, bob: User, make_member: MakeMember, publish: Publish
) -> None:
    post = publish(alice)
    for member in (bob, make_member("carol")):
        like_post(post=post, member=member)
    process_recount_requests(at=NOW)
    RecountRequest.objects.create(post=post)
    with CaptureQueriesContext(connection) as queries:
        assert process_recount_requests(at=NOW) == 1
    assert not [query for query in queries if query["sql"].startswith("UPDATE")]


def test_a_fall_is_noted_and_a_rise_is_not(alice: User, bob: User, mallory: User, publish: Publish) -> None:
    post = publish(alice)
    like_post(post=post, member=mallory)
    like_post(post=post, member=bob)
    before = refold(post)
    assert not RankDrop.objects.exists()
    unlike_post(post=post, member=bob)
    process_recount_requests(at=NOW)
    fall = RankDrop.objects.get()
    assert (fall.list, fall.key) == ("hot", before[1])


def test_the_reconcile_finds_repairs_and_exports_drift(alice: User, bob: User, publish: Publish) -> None:
    right, wrong = publish(alice), publish(alice)
    like_post(post=wrong, member=bob)
    process_recount_requests(at=NOW)
    PostCount.objects.filter(post=wrong).update(likes=9)
    FeedEntry.objects.filter(post=wrong).update(hot=1.0)
    FeedEntry.objects.filter(post=right).update(is_visible=False)
    Image.objects.filter(post=wrong).update(is_public=False)
    assert reconcile_counts(at=NOW) == Drift(counts=1, ranks=1, shown=1)
    assert SHOWN_DRIFT._value.get() == 1
    assert Image.objects.get(post=wrong).is_public
    assert reconcile_counts(at=NOW) == Drift()


def test_the_reconcile_forgets_old_falls(alice: User, publish: Publish) -> None:
    post = publish(alice)
    for age in (1, 25):
        RankDrop.objects.create(post=post, key=1, at=NOW - timedelta(hours=age))
    reconcile_counts(at=NOW)
    assert RankDrop.objects.count() == 1


def test_a_fold_takes_more_than_one_batch(publish_many: PublishMany, bob: User) -> None:
    posts = publish_many(7, authors=3)
    for post in posts:
        like_post(post=post, member=bob)
    assert process_recount_requests(at=NOW, batch=3) == 7
    assert set(PostCount.objects.values_list("likes", flat=True)) == {1}


@pytest.mark.django_db(transaction=True)
def test_two_hundred_members_liking_and_unliking_while_folds_run_are_counted_exactly(
    alice: User, publish: Publish
) -> None:
    post = publish(alice)
    members = User.objects.bulk_create(User(username=f"fan{n}") for n in range(200))
    done = threading.Event()
    failures: list[BaseException] = []

    def safely(work: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            try:
                work()
            except BaseException as failure:  # noqa: BLE001 (a thread's failure must reach the test)
                failures.append(failure)
            finally:
                connections.close_all()

        return run

    def votes(crowd: list[User]) -> Callable[[], None]:
        def work() -> None:
            for member in crowd:
                like_post(post=post, member=member)
                if member.pk % 4 == 0:
                    unlike_post(post=post, member=member)
                    like_post(post=post, member=member)
                    unlike_post(post=post, member=member)

        return work

    def recounts() -> None:
        while not done.is_set():
            process_recount_requests(at=timezone.now(), batch=1)

    workers = [threading.Thread(target=safely(recounts)) for _ in range(2)]
    voters = [threading.Thread(target=safely(votes(members[n::20]))) for n in range(20)]
    for thread in [*workers, *voters]:
        thread.start()
    for thread in voters:
        thread.join()
    done.set()
    for thread in workers:
        thread.join()
    assert not failures
    process_recount_requests(at=timezone.now())
    expected = sum(1 for member in members if member.pk % 4)
    assert PostCount.objects.get(post=post).likes == Like.objects.count() == expected
    assert FeedEntry.objects.get(post=post).hot == formulas.hot(expected, post.published_at)
    assert reconcile_counts(at=timezone.now()) == Drift()
    assert (COUNT_DRIFT._value.get(), RANK_DRIFT._value.get(), SHOWN_DRIFT._value.get()) == (0, 0, 0)
