"""Every sort is read to its end while people vote, publish and leave: no post twice, none skipped, none hidden.

SALON_SCROLL=full reads 200 pages of 30 with 300 votes, 20 new posts and 5 removals between two pages, and every
snapshot expiring at page 50, and then what is left; otherwise the same happens at a size for every day. `pytest -s`
prints the misses.
"""

import os
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

import pytest
from django.core.cache import cache
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import User
from feed.lists import queries as lists_queries
from feed.lists import snapshots
from feed.lists.spec import FeedSpec, SortKey
from feed.members import services as members_services
from feed.models import FeedEntry, Follow, Post, PostAspect, PrecomputedEntry
from feed.posts.visibility import refresh_visibility
from feed.ranking import impressions
from feed.ranking.counters import reconcile_counts
from feed.ranking.orders import ASPECT_NAMES, SORT_NAMES, WINDOWS
from feed.ranking.precomputed import INTERVALS, rebuild_list
from lib.content_levels import ContentLevel
from lib.errors import Refused
from tests.conftest import MakeMember
from tests.feed.conftest import PublishMany
from tests.feed.lists.readers import VISITOR, Reader, like


@dataclass(frozen=True)
class Size:
    posts: int
    pages: int
    page: int
    votes: int
    news: int
    removals: int
    expires: int
    snapshot: int


SMALL = Size(posts=300, pages=24, page=15, votes=16, news=2, removals=1, expires=7, snapshot=120)
FULL = Size(posts=6_500, pages=200, page=30, votes=300, news=20, removals=5, expires=50, snapshot=snapshots.LIMIT)
SIZE = FULL if os.environ.get("SALON_SCROLL") == "full" else SMALL
NOW = timezone.now()
GENERAL = ContentLevel.GENERAL


def specs(member: User) -> list[FeedSpec]:
    """Every list there is to scroll; a new sort comes along by itself."""
    parts = {
        "top": [{"window": window} for window in WINDOWS],
        "best": [{"aspect": aspect} for aspect in ASPECT_NAMES],
    }
    return [FeedSpec.parse(member, sort, **part) for sort in SORT_NAMES for part in parts.get(sort, [{}])]


@dataclass
class World:
    """The gallery, and what became of its posts since the readers began."""

    authors: list[User]
    posts: list[Post]
    rng: random.Random
    publish: PublishMany
    removed: set[int] = field(default_factory=set)
    risen: dict[str, set[int]] = field(default_factory=dict)
    keys: dict[str, dict[int, float]] = field(default_factory=dict)
    lowest: dict[str, dict[int, float]] = field(default_factory=dict)

    def turn(self, at: datetime) -> None:
        like(self.posts, self.authors, SIZE.votes, self.rng, at)
        self.rate()
        self.look(at)
        self.remove(at)
        first = 10_000 + len(self.posts)
        self.posts += self.publish(SIZE.news, authors=self.authors, at=at, first=first)
        self.rank(at)

    def rate(self) -> None:
        chosen = self.rng.sample(self.posts, SIZE.votes // 4)
        rows = [
            PostAspect(post=post, aspect=name, mean=1 + 4 * self.rng.random(), spread=self.rng.random(), n=5)
            for post in chosen
            for name in ASPECT_NAMES
        ]
        PostAspect.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["post", "aspect"], update_fields=["mean", "spread", "n"]
        )

    def look(self, at: datetime) -> None:
        for _ in range(5):
            seen = [post.pk for post in self.rng.sample(self.posts, 20)]
            impressions.count_impressions(f"v{self.rng.random()}", seen, at)
        impressions.flush_impressions()

    def remove(self, at: datetime) -> None:
        gone = [post.pk for post in self.rng.sample(self.posts, SIZE.removals)]
        Post.objects.filter(pk__in=gone).update(removed_at=at)
        with transaction.atomic():
            refresh_visibility(gone, at)
        self.removed |= set(gone)

    def rank(self, at: datetime) -> None:
        """Rebuilds every list, and notes which posts rose or came into one."""
        for name in INTERVALS:
            with transaction.atomic():
                rebuild_list(name, at)
        now = {
            name: dict(PrecomputedEntry.objects.filter(list=name).values_list("post_id", "key")) for name in INTERVALS
        }
        now["hot"] = dict(FeedEntry.objects.values_list("pk", "hot"))
        for name, keys in now.items():
            before = self.keys.get(name)
            rose = {post for post, key in keys.items() if before is not None and key > before.get(post, -1)}
            self.risen.setdefault(name, set()).update(rose)
            lowest = self.lowest.setdefault(name, {})
            gone = dict.fromkeys((before or {}).keys() - keys.keys(), float("-inf"))
            lowest |= {post: min(key, lowest.get(post, key)) for post, key in (keys | gone).items()}
        self.keys = now

    def past(self, one: Reader) -> set[int]:
        """Posts that stand above where a reader has come to, and stood once below where that reader was a page ago."""
        keys, lowest = (of.get(one.spec.order, {}) for of in (self.keys, self.lowest))
        above = {post for post, key in keys.items() if SortKey(key, post) >= one.frontier}
        return {post for post in above if SortKey(lowest[post], post) < one.before}


def analyze() -> None:
    """Updates PostgreSQL's statistics, as autovacuum does on a running site. A recount that takes every table for
    empty would read all posts once per post."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def expected(spec: FeedSpec, world: World, followed: set[int]) -> set[int]:
    """What a list held when the readers began."""
    if spec.sort in {"hot", "new"}:
        return {post.pk for post in world.posts}
    if spec.sort == "following":
        return {post.pk for post in world.posts if post.author_id in followed}
    ranked = PrecomputedEntry.objects.filter(list=spec.name)
    if spec.window_length:
        ranked = ranked.filter(published_at__gte=NOW - spec.window_length)
    return set(ranked.values_list("post_id", flat=True))


@dataclass
class ScrollRun:
    """A member who reads every list at once while the gallery moves, and blocks an author on the way."""

    world: World
    member: User
    enemy: User
    readers: dict[str, Reader]
    expected: dict[str, set[int]]  # what each list held at the beginning
    is_blocked: bool = False
    overtaken: dict[str, set[int]] = field(default_factory=dict)

    def turn(self, name: str, at: datetime) -> None:
        shown = {post.pk: post for post in self.readers[name].turn(at)}
        assert not self.world.removed & shown.keys(), f"{name} shows a removed post"
        authors = {post.author_id for post in shown.values()}
        assert not self.is_blocked or self.enemy.pk not in authors, f"{name} shows a blocked member"

    def turn_all(self) -> None:
        """One page of every list, and then everything that happens between two pages."""
        at = timezone.now()
        for name in self.readers:
            self.turn(name, at)
        self.world.turn(at)
        for name in self.readers:
            self.note_overtaken(name)

    def block_enemy(self) -> None:
        members_services.block_member(member=self.member, blocked=self.enemy)
        self.is_blocked = True

    def note_overtaken(self, name: str) -> None:
        self.overtaken.setdefault(name, set()).update(self.world.past(self.readers[name]))

    def read_rest(self, name: str) -> None:
        """The rest of a list that is longer, in peace."""
        reader = self.readers[name]
        while not reader.is_done and reader.pages < 2 * SIZE.pages:
            self.turn(name, timezone.now())
            self.note_overtaken(name)
        assert reader.is_done, f"{name} does not end"

    def check(self, name: str) -> None:
        reader = self.readers[name]
        twice = [post for post, times in Counter(reader.shown).items() if times > 1]
        assert not twice, f"{name} shows {len(twice)} posts twice"
        by_enemy = {post.pk for post in self.world.posts if post.author_id == self.enemy.pk}
        missed = self.expected[name] - set(reader.shown) - self.world.removed - by_enemy
        risen = self.world.risen.get(reader.spec.order, set()) & self.overtaken[name]
        skipped = missed - risen
        print(f"{name}: {reader.pages} pages, {len(reader.shown)} shown, {len(missed)} missed, {len(skipped)} unduly")
        assert not skipped, f"{name} skips {len(skipped)} posts that did not rise past its reader"


@pytest.fixture
def scroll_run(publish_many: PublishMany, make_member: MakeMember, monkeypatch: pytest.MonkeyPatch) -> ScrollRun:
    monkeypatch.setattr(snapshots, "LIMIT", SIZE.snapshot)
    member, rng = make_member("reader"), random.Random(3)
    authors = [make_member(f"author{n}") for n in range(120)]
    world = World(authors, publish_many(SIZE.posts, authors=authors, at=NOW), rng, publish_many)
    followed = {author.pk for author in authors[:60]}
    Follow.objects.bulk_create(Follow(member=member, followed_id=pk, created_at=NOW) for pk in followed)
    like(world.posts, authors, SIZE.votes, rng, NOW)
    for _ in range(SIZE.posts // SIZE.votes):
        world.rate()
    world.rank(NOW)
    analyze()
    readers = {spec.name: Reader(spec, member, SIZE.page) for spec in specs(member)}
    began = {name: expected(reader.spec, world, followed) for name, reader in readers.items()}
    return ScrollRun(world, member, authors[0], readers, began)


@pytest.mark.django_db(transaction=True)  # a drop is later than a list by transaction, not by clock
@pytest.mark.timeout(7_200 if SIZE is FULL else 600)
def test_scrolling_through_votes_news_and_removals_never_repeats_and_never_skips(scroll_run: ScrollRun) -> None:
    for page in range(1, SIZE.pages + 1):
        scroll_run.turn_all()
        if page == SIZE.pages // 3:
            scroll_run.block_enemy()
        if page == SIZE.expires:
            cache.clear()
    for name in scroll_run.readers:
        scroll_run.read_rest(name)
        scroll_run.check(name)
    assert reconcile_counts(at=timezone.now()).counts == 0


def test_following_merges_its_authors_in_the_order_of_hot(publish_many: PublishMany, make_member: MakeMember) -> None:
    reader = make_member("reader")
    authors = [make_member(f"author{n}") for n in range(40)]
    posts = publish_many(400, authors=authors, at=NOW)
    like(posts, authors, 300, random.Random(4))
    Follow.objects.bulk_create(Follow(member=reader, followed=author, created_at=NOW) for author in authors[:30])
    one = Reader(FeedSpec.parse(reader, "following"), reader, size=120)
    shown = one.turn(NOW)
    assert not one.is_done
    wanted = FeedEntry.objects.filter(author_id__in=[author.pk for author in authors[:30]]).order_by("-hot", "-pk")
    assert sorted(post.pk for post in shown) == sorted(wanted.values_list("pk", flat=True)[:120])


@pytest.mark.parametrize(("merged", "each"), [(2_000, 1), (10, 20)])
def test_following_is_exact_however_many_authors_and_posts_there_are(
    merged: int, each: int, publish_many: PublishMany, make_member: MakeMember, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prolific authors are taken in parts; beyond a number of follows the hot list is scanned, also in parts."""
    monkeypatch.setattr(lists_queries, "MERGED_FOLLOWS", merged)
    monkeypatch.setattr(lists_queries, "LEAST_PER_AUTHOR", each)
    monkeypatch.setattr(lists_queries, "SCANNED", 50)
    monkeypatch.setattr(snapshots, "LIMIT", 20)
    reader = make_member("reader")
    authors = [make_member(f"author{n}") for n in range(40)]
    posts = publish_many(300, authors=authors, at=NOW)
    Follow.objects.bulk_create(Follow(member=reader, followed=author, created_at=NOW) for author in authors[5:17])
    one = Reader(FeedSpec.parse(reader, "following"), reader, size=7)
    for _ in range(100):
        one.turn(NOW)
    assert one.is_done
    wanted = {post.pk for post in posts if post.author_id in {author.pk for author in authors[5:17]}}
    assert len(one.shown) == len(set(one.shown))
    assert set(one.shown) == wanted


def test_a_visitor_has_no_follows() -> None:
    with pytest.raises(Refused) as refused:
        FeedSpec.parse(VISITOR, "following")
    assert refused.value.status == 403
