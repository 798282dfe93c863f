"""Turning ledgers into counts and ranks: always recomputed from the ledger, never added up."""

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from prometheus_client import Gauge

from feed.models import FeedEntry, PostCount, RankFall, StaleCount
from feed.posts.visibility import sync_display
from feed.ranking import formulas, impressions, precomputed

BATCH = 500
RECONCILE_BATCH = 2_000
FALLS_KEPT = timedelta(days=1)  # as long as a list may be continued without showing anything twice

COUNTED = ("likes", "saves", "remixes", "comments", "weight")

COUNT_DRIFT = Gauge("salon_feed_count_drift", "Posts whose counts the last reconcile found wrong")
RANK_DRIFT = Gauge("salon_feed_rank_drift", "Posts whose place in the ranking the last reconcile found wrong")
SHOWN_DRIFT = Gauge("salon_feed_shown_drift", "Posts the last reconcile found shown or hidden wrongly")

# Distinct members other than the author whom no restriction silences. %(posts)s are post ids, %(at)s is now.
_SILENCED = """
    SELECT user_id FROM moderation_restriction
    WHERE kind IN ('muted', 'banned') AND lifted_at IS NULL AND starts_at <= %(at)s
      AND (ends_at IS NULL OR ends_at > %(at)s)
"""
_BANNED = _SILENCED.replace("IN ('muted', 'banned')", "= 'banned'")
_LEDGERS = f"""
    SELECT post.id, post.published_at,
      (SELECT count(*) FROM feed_like vote
        WHERE vote.post_id = post.id AND vote.member_id <> post.author_id
          AND vote.member_id NOT IN ({_SILENCED})),
      (SELECT count(DISTINCT item.added_by_id) FROM feed_collectionitem item
        WHERE item.post_id = post.id AND item.added_by_id <> post.author_id
          AND item.added_by_id NOT IN ({_SILENCED})),
      (SELECT count(DISTINCT child.author_id) FROM feed_post child
        JOIN generation_image picture ON picture.id = child.image_id AND picture.is_public
        JOIN generation_generation made ON made.id = picture.generation_id
        WHERE made.parent_id = post.image_id AND child.author_id <> post.author_id
          AND child.unpublished_at IS NULL AND child.removed_at IS NULL AND child.deleted_at IS NULL
          AND child.author_id NOT IN ({_SILENCED})),
      (SELECT count(*) FROM feed_comment said
        WHERE said.post_id = post.id AND said.deleted_at IS NULL AND said.removed_at IS NULL
          AND said.author_id NOT IN ({_BANNED}))
    FROM feed_post post WHERE post.id = ANY(%(posts)s)
"""  # noqa: S608 (no value is formatted in)

_HOURS = f"""
    WITH told AS (
      SELECT post.id AS post_id, date_trunc('hour', vote.created_at, 'UTC') AS hour, count(*) AS likers
      FROM feed_post post JOIN feed_like vote ON vote.post_id = post.id
      WHERE post.id = ANY(%(posts)s) AND vote.created_at >= date_trunc('hour', %(since)s, 'UTC')
        AND vote.member_id <> post.author_id AND vote.member_id NOT IN ({_SILENCED})
      GROUP BY 1, 2
    ), none AS (
      UPDATE feed_posthour known SET likers = 0
      WHERE known.post_id = ANY(%(posts)s) AND known.hour >= date_trunc('hour', %(since)s, 'UTC') AND likers > 0
        AND NOT EXISTS (SELECT FROM told WHERE told.post_id = known.post_id AND told.hour = known.hour)
    )
    INSERT INTO feed_posthour AS known (post_id, hour, impressions, likers)
    SELECT post_id, hour, 0, likers FROM told ORDER BY post_id, hour
    ON CONFLICT (hour, post_id) DO UPDATE SET likers = excluded.likers WHERE known.likers <> excluded.likers
"""  # noqa: S608 (no value is formatted in)


@dataclass(frozen=True)
class Drift:
    """How many rows differed from the truth: of counts, of ranks, and of what is shown."""

    counts: int = 0
    ranks: int = 0
    shown: int = 0

    def __add__(self, other: "Drift") -> "Drift":
        return Drift(self.counts + other.counts, self.ranks + other.ranks, self.shown + other.shown)


@dataclass(frozen=True)
class Tally:
    """What the ledgers say of one post."""

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


def fold_counts(*, at: datetime, batch: int = BATCH) -> int:
    """Recomputes the posts whose ledgers changed, a batch a transaction, and returns how many that were.

    Any number of workers may fold at once: each takes posts that nobody else holds.
    """
    folded = 0
    while True:
        with transaction.atomic():
            posts = _take_stale(batch)
            recount(posts, at)
        folded += len(posts)
        if len(posts) < batch:
            return folded


def _take_stale(batch: int) -> list[int]:
    """Locks the counts of some stale posts and removes their notes.

    The order matters: lock, then remove the notes that are committed by now, then (in `recount`, a later
    statement with a later snapshot) count. A change whose note is removed here is counted; any other keeps its note.
    """
    stale = StaleCount.objects.order_by("post_id").values_list("post_id", flat=True).distinct()
    locked = PostCount.objects.select_for_update(skip_locked=True, no_key=True).filter(pk__in=list(stale[:batch]))
    posts = list(locked.order_by("pk").values_list("pk", flat=True))
    StaleCount.objects.filter(post_id__in=posts).delete()
    return posts


def tallies(posts: Iterable[int], at: datetime) -> list[Tally]:
    """The truth about these posts, from the ledgers."""
    with connection.cursor() as cursor:
        cursor.execute(_LEDGERS, {"posts": list(posts), "at": at})
        return [Tally(*row) for row in cursor.fetchall()]


def recount(posts: Sequence[int], at: datetime) -> Drift:
    """Writes what the ledgers say where it differs. Call while holding the posts' rows of PostCount."""
    counts, entries = PostCount.objects.in_bulk(posts), FeedEntry.objects.in_bulk(posts)
    wrong_counts, wrong_ranks, falls = [], [], []
    for tally in tallies(counts.keys() & entries.keys(), at):  # tombstones have neither
        count, entry = counts[tally.post_id], entries[tally.post_id]
        if tally.hot < entry.hot:
            falls.append(RankFall(post_id=tally.post_id, list="hot", key=entry.hot, at=at))
        if tally.hot != entry.hot:
            entry.hot = tally.hot
            wrong_ranks.append(entry)
        if any(getattr(count, name) != getattr(tally, name) for name in COUNTED):
            for name in COUNTED:
                setattr(count, name, getattr(tally, name))
            count.folded_at = at
            wrong_counts.append(count)
    RankFall.objects.bulk_create(falls)
    PostCount.objects.bulk_update(wrong_counts, [*COUNTED, "folded_at"])
    FeedEntry.objects.bulk_update(wrong_ranks, ["hot"])
    _count_hours(list(counts), at)
    return Drift(len(wrong_counts), len(wrong_ranks), 0)


def _count_hours(posts: list[int], at: datetime) -> None:
    """Who began to like these posts in each of the last hours, for rising; written only where it differs."""
    with connection.cursor() as cursor:
        cursor.execute(_HOURS, {"posts": posts, "at": at, "since": at - precomputed.RISING})


def reconcile_counts(*, at: datetime) -> Drift:
    """Recounts every post by key range, repairs what was wrong, and says how much that was.

    Restrictions that ran out by themselves are also seen here: nothing else happens at that moment.
    """
    fold_counts(at=at)  # what waits in the ordinary way is no drift
    drift, last = Drift(), 0
    while posts := _take_range(last):
        with transaction.atomic():
            held = PostCount.objects.select_for_update(no_key=True).filter(pk__in=posts).order_by("pk")
            drift += recount(list(held.values_list("pk", flat=True)), at) + Drift(shown=sync_display(posts, at))
        last = posts[-1]
    RankFall.objects.filter(at__lt=at - FALLS_KEPT).delete()
    impressions.forget_old_hours(at)
    for gauge, figure in zip((COUNT_DRIFT, RANK_DRIFT, SHOWN_DRIFT), astuple(drift), strict=True):
        gauge.set(figure)
    return drift


def _take_range(after: int) -> list[int]:
    return list(PostCount.objects.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:RECONCILE_BATCH])
