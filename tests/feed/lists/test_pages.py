"""Lists stand still while they are read: nothing twice, nothing skipped, nothing hidden ever shown."""

import random
from datetime import datetime, timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from feed.lists import queries as lists_queries
from feed.lists import snapshots
from feed.lists.cursors import decode, encode
from feed.lists.pages import count_new_posts, read_page
from feed.lists.spec import FeedSpec
from feed.members.own_changes import remember_own_change
from feed.models import FeedEntry, Follow, Post, PostAspect, PostTag, Tag
from feed.posts.services import alias_tag
from feed.ranking.precomputed import rebuild_list
from generation.models import Image
from lib.content_levels import ContentLevel
from lib.errors import Refused
from tests.conftest import As
from tests.feed.conftest import Publish, PublishMany
from tests.feed.lists.readers import VISITOR, like

NOW = timezone.now()


def of(sort: str, window: str = "all") -> FeedSpec:
    return FeedSpec(sort, window if sort == "top" else "all", ContentLevel.GENERAL)


def read_all(spec: FeedSpec, size: int = 10, at: datetime = NOW) -> list[Post]:
    page = read_page(spec, VISITOR, at=at, size=size)
    posts = page.posts
    while page.next:
        page = read_page(spec, VISITOR, at=at, cursor=page.next, size=size)
        posts = posts + page.posts
    return posts


@pytest.mark.parametrize("sort", ["hot", "new", "top"])
def test_a_list_at_rest_shows_every_post_once_in_order(sort: str, publish_many: PublishMany) -> None:
    posts = publish_many(150, authors=60, at=NOW)
    like(posts, [post.author for post in posts[:60]], 300, random.Random(1))
    rebuild_list("top-all", NOW)
    shown = read_all(of(sort))
    assert len(shown) == len({post.pk for post in shown}) == 150
    if sort == "top":
        ranks = [(post.count.weight, post.pk) for post in shown]
        assert ranks == sorted(ranks, reverse=True)
    if sort == "new":
        assert [post.published_at for post in shown] == sorted((post.published_at for post in posts), reverse=True)


def test_the_best_of_an_aspect_say_their_mean(alice: User, publish: Publish, as_user: As) -> None:
    post = publish(alice)
    PostAspect.objects.create(post=post, aspect="colour", mean=4.26, n=7)
    rebuild_list("best-colour", NOW)
    assert "4.3 of 5" in as_user(None).get("/?sort=best&aspect=colour").content.decode()
    assert " of 5" not in as_user(None).get("/?sort=new").content.decode()


@pytest.mark.parametrize("most_sorted", [10, 10_000], ids=["read through", "sorted"])
@pytest.mark.parametrize("sort", ["hot", "new", "top", "following"])
def test_a_list_of_a_tag_holds_all_that_has_it_in_the_same_order(
    sort: str, most_sorted: int, alice: User, publish_many: PublishMany, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists_queries, "SORTED_TAGGED", most_sorted)
    monkeypatch.setattr(lists_queries, "SCANNED", 35)  # fewer than there are: a list is read through in parts
    posts = publish_many(150, authors=60, at=NOW)
    like(posts, [post.author for post in posts[:60]], 300, random.Random(1))
    rebuild_list("top-all", NOW)
    followed = {post.author for post in posts[:40]}
    Follow.objects.bulk_create(Follow(member=alice, followed=author, created_at=NOW) for author in followed)
    sea, ocean = Tag.objects.create(name="sea"), Tag.objects.create(name="ocean")
    alias_tag(alias=ocean, tag=sea)
    PostTag.objects.bulk_create(PostTag(post=post, tag=sea) for post in posts[::5])
    whole = {post.pk for post in read_all(FeedSpec.parse(alice, sort, "all"))}
    tagged = {post.pk for post in posts[::5]} & whole
    shown = read_all(FeedSpec.parse(alice, sort, "all", tag="#Ocean"), size=4)
    assert len(shown) == len(tagged) > 12
    assert {post.pk for post in shown} == tagged
    if sort == "top":
        ranks = [(post.count.weight, post.pk) for post in shown]
        assert ranks == sorted(ranks, reverse=True)
    assert read_all(FeedSpec.parse(alice, sort, "all", tag="nothing")) == []


def test_a_cursor_of_one_tag_is_none_of_another_and_new_posts_are_counted_by_tag(
    alice: User, publish_many: PublishMany
) -> None:
    sea, _land = Tag.objects.create(name="sea"), Tag.objects.create(name="land")
    posts = publish_many(6, authors=6, at=NOW)
    PostTag.objects.bulk_create(PostTag(post=post, tag=sea) for post in posts[:4])
    page = read_page(FeedSpec.parse(alice, "new", tag="sea"), alice, at=NOW, size=2)
    assert page.next
    with pytest.raises(Refused):
        read_page(FeedSpec.parse(alice, "new", tag="land"), alice, at=NOW, cursor=page.next)
    since = min(post.published_at for post in posts) - timedelta(seconds=1)
    counts = [
        count_new_posts(FeedSpec.parse(alice, "new", tag=tag), alice, since=since, at=NOW)
        for tag in ("", "sea", "land")
    ]
    assert counts == [6, 4, 0]


def test_hot_differs_from_the_ranking_only_inside_blocks(publish_many: PublishMany) -> None:
    posts = publish_many(360, authors=90, at=NOW)
    like(posts, [post.author for post in posts[:90]], 500, random.Random(2))
    shown = [post.pk for post in read_all(of("hot"))]
    ranked = list(FeedEntry.objects.order_by("-hot", "-pk").values_list("pk", flat=True))
    for first in range(0, 360, 120):
        assert sorted(shown[first : first + 120]) == sorted(ranked[first : first + 120])


def test_a_burst_by_one_author_is_collapsed_and_counted(publish_many: PublishMany, alice: User) -> None:
    posts = publish_many(200, authors=60, at=NOW)
    burst = posts[::3]
    Post.objects.filter(pk__in=[post.pk for post in burst]).update(author=alice)
    FeedEntry.objects.filter(pk__in=[post.pk for post in burst]).update(author_id=alice.pk)
    hidden = burst[5]
    Image.objects.filter(post=hidden).update(is_public=False)
    shown = read_all(of("hot"))
    by_alice = [post for post in shown[:120] if post.author_id == alice.pk]
    windows = [[post.author_id for post in shown[n : n + 30]] for n in range(len(shown) - 60)]
    assert max(window.count(alice.pk) for window in windows) <= 2
    assert sum(post.collapsed_count for post in by_alice) > 0
    # Every post is shown or collapsed, but the hidden one, which is not even counted.
    assert len(shown) + sum(post.collapsed_count for post in shown) == 199


@pytest.mark.parametrize(("window", "days"), [("day", 1), ("week", 7), ("month", 30), ("year", 365)])
def test_a_top_window_holds_what_was_published_within_it(window: str, days: int, publish: Publish, alice: User) -> None:
    inside = publish(alice, at=NOW - timedelta(days=days) + timedelta(minutes=1))
    publish(alice, at=NOW - timedelta(days=days, minutes=1))
    rebuild_list(f"top-{window}", NOW)
    assert [post.pk for post in read_page(of("top", window), VISITOR, at=NOW).posts] == [inside.pk]


def test_readers_share_a_snapshot_until_it_is_due(publish_many: PublishMany) -> None:
    publish_many(300, at=NOW)
    first = snapshots.first_segment(of("hot"), NOW)
    assert snapshots.first_segment(of("hot"), NOW + timedelta(seconds=44)).key == first.key
    assert snapshots.first_segment(of("hot"), NOW + timedelta(seconds=46)).key != first.key


def test_whoever_publishes_sees_it_at_once(publish_many: PublishMany, publish: Publish, alice: User) -> None:
    publish_many(300, at=NOW)
    read_page(of("new"), alice, at=NOW)
    own = publish(alice)
    remember_own_change(alice, NOW + timedelta(seconds=3))
    later = NOW + timedelta(seconds=4)
    assert own.pk in [post.pk for post in read_page(of("new"), alice, at=later).posts]


def test_a_place_survives_its_snapshot_and_says_so(publish_many: PublishMany) -> None:
    publish_many(60, authors=60, at=NOW)
    page = read_page(of("hot"), VISITOR, at=NOW, size=10)
    assert page.next
    cache.clear()
    later = read_page(of("hot"), VISITOR, at=NOW, cursor=page.next, size=50)
    assert later.is_reordered
    assert {post.pk for post in page.posts}.isdisjoint(post.pk for post in later.posts)
    assert len(later.posts) == 50


def test_a_page_stays_full_where_posts_were_hidden(publish_many: PublishMany) -> None:
    posts = publish_many(60, authors=60, at=NOW)
    read_page(of("new"), VISITOR, at=NOW, size=10)
    Image.objects.filter(post__in=posts[5:25]).update(is_public=False)
    page = read_page(of("new"), VISITOR, at=NOW, size=10)
    assert [post.pk for post in page.posts] == [post.pk for post in (*posts[:5], *posts[25:30])]


def test_new_posts_are_counted_not_shuffled_in(publish_many: PublishMany, publish: Publish, alice: User) -> None:
    publish_many(300, at=NOW)
    page = read_page(of("hot"), VISITOR, at=NOW)
    publish(alice, at=NOW + timedelta(seconds=1))
    publish(alice, at=NOW + timedelta(seconds=1), content_level=ContentLevel.MATURE)
    later = NOW + timedelta(seconds=2)
    assert count_new_posts(of("hot"), VISITOR, since=page.began, at=later) == 1
    assert [p.pk for p in read_page(of("hot"), VISITOR, at=later).posts] == [p.pk for p in page.posts]


@pytest.mark.parametrize(
    "spoil", [lambda c: c[:-1] + ("A" if c[-1] != "A" else "B"), lambda _c: "x", lambda c: c + ":"]
)
def test_a_tampered_cursor_is_refused(spoil: object, publish_many: PublishMany) -> None:
    publish_many(30, at=NOW)
    cursor = read_page(of("hot"), VISITOR, at=NOW, size=10).next
    assert cursor
    with pytest.raises(Refused) as refused:
        read_page(of("hot"), VISITOR, at=NOW, cursor=spoil(cursor))  # type: ignore[operator]
    assert (refused.value.status, refused.value.code) == (400, "bad_cursor")


def test_a_cursor_of_another_list_or_audience_is_refused(publish_many: PublishMany) -> None:
    publish_many(30, at=NOW)
    cursor = read_page(of("hot"), VISITOR, at=NOW, size=10).next
    assert cursor
    for other in (of("new"), of("top", "day"), FeedSpec("hot", "all", ContentLevel.MATURE)):
        with pytest.raises(Refused) as refused:
            read_page(other, VISITOR, at=NOW, cursor=cursor)
        assert (refused.value.status, refused.value.code) == (400, "foreign_cursor")


def test_a_cursor_keeps_its_place_exactly(publish_many: PublishMany) -> None:
    publish_many(200, authors=60, at=NOW)
    cursor = read_page(of("hot"), VISITOR, at=NOW, size=130).next
    assert cursor
    place = decode(cursor, of("hot"))
    assert decode(encode(place, of("hot")), of("hot")) == place
    assert (place.position, len(place.shown)) == (130, 10)
    assert len(cursor) < 1_500


def test_a_page_costs_one_query_once_its_snapshot_is_there(publish_many: PublishMany) -> None:
    publish_many(60, authors=60, at=NOW)
    read_page(of("hot"), VISITOR, at=NOW)
    with CaptureQueriesContext(connection) as queries:
        read_page(of("hot"), VISITOR, at=NOW)
    assert len(queries) == 1
