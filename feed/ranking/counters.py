"""Recomputes counts and ranks of posts from the ledgers (likes, saves, remixes, comments); never adds deltas."""

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from prometheus_client import Gauge

from feed.posts.models import RecountRequest
from feed.posts.visibility import refresh_visibility
from feed.ranking import formulas, impressions, precomputed
from feed.ranking.models import FeedEntry, PostCount, RankDrop
from moderation.restrictions.sql import BANNED_SQL, MUTED_OR_BANNED_SQL

BATCH = 500
RECONCILE_BATCH = 2_000
DROPS_KEPT = timedelta(days=1)  # as long as a list may be continued without showing anything twice

COUNTED = ("likes", "saves", "remixes", "comments", "weight")

COUNT_DRIFT = Gauge(
    "salon_feed_count_drift", "Posts whose counts the last reconcile found wrong", multiprocess_mode="mostrecent"
)
RANK_DRIFT = Gauge(
    "salon_feed_rank_drift", "Posts whose rank the last reconcile found wrong", multiprocess_mode="mostrecent"
)
SHOWN_DRIFT = Gauge(
    "salon_feed_shown_drift", "Posts the last reconcile found shown or hidden wrongly", multiprocess_mode="mostrecent"
)

# Counts distinct members other than the author who are neither muted nor banned. %(posts)s: post ids; %(at)s: now.
_LEDGERS = f"""
    SELECT post.id, post.published_at,
      (SELECT count(*) FROM feed_like vote
        WHERE vote.post_id = post.id AND vote.member_id <> post.author_id
          AND vote.member_id NOT IN ({MUTED_OR_BANNED_SQL})),
      (SELECT count(DISTINCT item.added_by_id) FROM feed_collectionitem item
        WHERE item.post_id = post.id AND item.added_by_id <> post.author_id
          AND item.added_by_id NOT IN ({MUTED_OR_BANNED_SQL})),
      (SELECT count(DISTINCT child.author_id) FROM feed_post child
        JOIN generation_image picture ON picture.id = child.image_id AND picture.is_public
        JOIN generation_generation made ON made.id = picture.generation_id
        WHERE made.parent_id = post.image_id AND child.author_id <> post.author_id
          AND child.unpublished_at IS NULL AND child.removed_at IS NULL AND child.deleted_at IS NULL
          AND child.author_id NOT IN ({MUTED_OR_BANNED_SQL})),
      (SELECT count(*) FROM feed_comment comment
        WHERE comment.post_id = post.id AND comment.deleted_at IS NULL AND comment.removed_at IS NULL
          AND comment.author_id NOT IN ({BANNED_SQL}))
    FROM feed_post post WHERE post.id = ANY(%(posts)s)
"""  # noqa: S608 (no value is formatted in)

_HOURS = f"""
    WITH truth AS (
      SELECT post.id AS post_id, date_trunc('hour', vote.created_at, 'UTC') AS hour, count(*) AS likers
      FROM feed_post post JOIN feed_like vote ON vote.post_id = post.id
      WHERE post.id = ANY(%(posts)s) AND vote.created_at >= date_trunc('hour', %(since)s, 'UTC')
        AND vote.member_id <> post.author_id AND vote.member_id NOT IN ({MUTED_OR_BANNED_SQL})
      GROUP BY 1, 2
    ), zeroed AS (
      UPDATE feed_posthour known SET likers = 0
      WHERE known.post_id = ANY(%(posts)s) AND known.hour >= date_trunc('hour', %(since)s, 'UTC') AND likers > 0
        AND NOT EXISTS (SELECT FROM truth WHERE truth.post_id = known.post_id AND truth.hour = known.hour)
    )
    INSERT INTO feed_posthour AS known (post_id, hour, impressions, likers)
    SELECT post_id, hour, 0, likers FROM truth ORDER BY post_id, hour
    ON CONFLICT (hour, post_id) DO UPDATE SET likers = excluded.likers WHERE known.likers <> excluded.likers
"""  # noqa: S608 (no value is formatted in)


@dataclass(frozen=True)
class Drift:
    """How many posts differed from the ledgers: in counts, in rank, and in whether they show."""

    counts: int = 0
    ranks: int = 0
    shown: int = 0

    def __add__(self, other: "Drift") -> "Drift":
        return Drift(self.counts + other.counts, self.ranks + other.ranks, self.shown + other.shown)


@dataclass(frozen=True)
class Counts:
    """The counts of one post according to the ledgers."""

    post_id: int
    published_at: datetime
    likes: int
    saves: int
    remixes: int
    comments: int

    @property
    def weight(self) -> int:
        return formulas.weight(likes=self.likes, saves=self.saves, remixes=self.remixes)

    @property
    def hot(self) -> float:
        return formulas.hot(self.weight, self.published_at)


def process_recount_requests(*, at: datetime, batch: int = BATCH) -> int:
    """Recounts the posts whose ledgers changed, one transaction per batch, and returns how many there were.

    Any number of workers may do this at once: each takes posts that no other has locked.
    """
    done = 0
    while True:
        with transaction.atomic():
            posts = _take_requests(batch)
            recount(posts, at)
        done += len(posts)
        if len(posts) < batch:
            return done


def _take_requests(batch: int) -> list[int]:
    """Locks the counts of some posts with recount requests and removes those requests.

    The order matters: lock, remove the requests that are committed by now, and then count (in `recount`, a later
    statement with a later snapshot). A change whose request is removed here is counted; any other keeps its request.
    """
    stale = RecountRequest.objects.order_by("post_id").values_list("post_id", flat=True).distinct()
    locked = PostCount.objects.select_for_update(skip_locked=True, no_key=True).filter(pk__in=list(stale[:batch]))
    posts = list(locked.order_by("pk").values_list("pk", flat=True))
    RecountRequest.objects.filter(post_id__in=posts).delete()
    return posts


def count_ledgers(posts: Iterable[int], at: datetime) -> list[Counts]:
    """Counts these posts in the ledgers."""
    with connection.cursor() as cursor:
        cursor.execute(_LEDGERS, {"posts": list(posts), "at": at})
        return [Counts(*row) for row in cursor.fetchall()]


def recount(posts: Sequence[int], at: datetime) -> Drift:
    """Corrects counts and ranks that differ from the ledgers. Call while holding the posts' rows of PostCount."""
    counts, entries = PostCount.objects.in_bulk(posts), FeedEntry.objects.in_bulk(posts)
    wrong_counts, wrong_ranks, drops = [], [], []
    for truth in count_ledgers(counts.keys() & entries.keys(), at):  # deleted posts have neither
        count, entry = counts[truth.post_id], entries[truth.post_id]
        if truth.hot < entry.hot:
            drops.append(RankDrop(post_id=truth.post_id, list="hot", key=entry.hot, at=at))
        if truth.hot != entry.hot:
            entry.hot = truth.hot
            wrong_ranks.append(entry)
        if any(getattr(count, name) != getattr(truth, name) for name in COUNTED):
            for name in COUNTED:
                setattr(count, name, getattr(truth, name))
            count.recounted_at = at
            wrong_counts.append(count)
    RankDrop.objects.bulk_create(drops)
    PostCount.objects.bulk_update(wrong_counts, [*COUNTED, "recounted_at"])
    FeedEntry.objects.bulk_update(wrong_ranks, ["hot"])
    _recount_hours(list(counts), at)
    return Drift(len(wrong_counts), len(wrong_ranks), 0)


def _recount_hours(posts: list[int], at: datetime) -> None:
    """Corrects how many members began to like these posts in each of the last hours, which rising uses."""
    with connection.cursor() as cursor:
        cursor.execute(_HOURS, {"posts": posts, "at": at, "since": at - precomputed.RISING_WINDOW})


def reconcile_counts(*, at: datetime) -> Drift:
    """Recounts all posts by key range, corrects what differs, and returns how much that was.

    This also catches restrictions that expired by themselves, for which no other code runs.
    """
    process_recount_requests(at=at)  # open requests are no drift
    drift, last = Drift(), 0
    while posts := _take_range(last):
        with transaction.atomic():
            held = PostCount.objects.select_for_update(no_key=True).filter(pk__in=posts).order_by("pk")
            drift += recount(list(held.values_list("pk", flat=True)), at) + Drift(shown=_refresh(posts, at))
        last = posts[-1]
    RankDrop.objects.filter(at__lt=at - DROPS_KEPT).delete()
    impressions.forget_old_hours(at)
    for gauge, figure in zip((COUNT_DRIFT, RANK_DRIFT, SHOWN_DRIFT), astuple(drift), strict=True):
        gauge.set(figure)
    return drift


def _refresh(posts: list[int], at: datetime) -> int:
    """Brings visibility in line and returns how many entries were wrong."""
    entries = FeedEntry.objects.filter(pk__in=posts).values_list("pk", "is_visible", "content_level")
    before = set(entries.all())
    refresh_visibility(posts, at)
    return len(before - set(entries.all()))


def _take_range(after: int) -> list[int]:
    return list(PostCount.objects.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:RECONCILE_BATCH])
