"""Precomputed lists: top, rising, controversial, and best by aspect.

Each list is rebuilt at its own interval by the process that claims it, and only changed entries are written. A post
that drops or leaves is recorded (`RankDrop`), so that people who are reading the list see it once.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from feed.ranking import formulas
from feed.ranking.models import PrecomputedEntry, PrecomputedList
from feed.ranking.orders import ASPECT_NAMES, WINDOWS
from lib.content_levels import ContentLevel

KEPT = 20_000  # posts of a list, for each audience
WIDER = 3  # read so many times KEPT at first: usually enough for the narrower audiences too
GRACE = timedelta(hours=1)  # posts that just left a window stay for people who are reading
SMALL = 1_000  # posts: a list with fewer is rebuilt every minute, so that a young site is not empty for an hour
RISING_WINDOW = timedelta(hours=6)
CONTROVERSIAL_PRIOR = 5  # shrinks a spread towards 0, as so many ratings that agree would
_EVERY = {"day": 60, "week": 300, "month": 900, "year": 1_800, "all": 3_600}
INTERVALS = {  # seconds
    **{f"top-{window}": seconds for window, seconds in _EVERY.items()},
    "rising": 60,
    "controversial": 900,
    **{f"best-{aspect}": 900 for aspect in ASPECT_NAMES},
}

# Each selects (post_id, key, content_level) of a list's candidates; `shown` is the condition on visibility.
_TOP = """
    SELECT counts.post_id, counts.weight::float8 AS key, entry.content_level
    FROM feed_feedentry entry JOIN feed_postcount counts ON counts.post_id = entry.post_id
    WHERE {shown} AND (%(since)s::timestamptz IS NULL OR entry.published_at >= %(since)s)
"""
_RISING = """
    SELECT rising.post_id, rising.key, entry.content_level
    FROM unnest(%(posts)s::bigint[], %(keys)s::float8[]) AS rising(post_id, key)
    JOIN feed_feedentry entry ON entry.post_id = rising.post_id WHERE {shown}
"""
_BEST = """
    SELECT rated.post_id, rated.mean AS key, entry.content_level
    FROM feed_postaspect rated JOIN feed_feedentry entry ON entry.post_id = rated.post_id
    WHERE {shown} AND rated.aspect = %(aspect)s
"""
_CONTROVERSIAL = """
    SELECT rated.post_id, sum(rated.spread * rated.n) / (sum(rated.n) + %(prior)s) AS key, entry.content_level
    FROM feed_postaspect rated JOIN feed_feedentry entry ON entry.post_id = rated.post_id
    WHERE {shown} GROUP BY rated.post_id, entry.content_level HAVING sum(rated.spread * rated.n) > 0
"""
_SHOWN = "entry.is_visible AND entry.content_level <= {level}"
# Whether the first rows of all audiences were cut off and hold too few for this audience: only then is it read again.
_TOO_FEW = """ AND (
    SELECT count(*) = %(wide)s AND count(*) FILTER (WHERE content_level <= {level}) < %(kept)s FROM everything
)"""
_LIMITED = """
    WITH everything AS MATERIALIZED ({everything} ORDER BY key DESC, post_id DESC LIMIT %(wide)s)
    SELECT post_id, max(key) AS key FROM ({audiences}) found GROUP BY post_id
"""
_FIRST = "(SELECT * FROM ({candidates}) candidates ORDER BY key DESC, post_id DESC LIMIT %(kept)s)"
_OF_EVERYTHING = "SELECT * FROM everything WHERE content_level <= {level}"
_REBUILD = """
    WITH wanted AS MATERIALIZED (
      SELECT chosen.post_id, chosen.key, entry.author_id, entry.content_level, entry.published_at
      FROM ({chosen}) chosen JOIN feed_feedentry entry ON entry.post_id = chosen.post_id AND entry.is_visible
    ), drops AS (
      INSERT INTO feed_rankfall (post_id, list, key, at)
      SELECT old.post_id, old.list, old.key, %(at)s
      FROM feed_rankedpost old LEFT JOIN wanted USING (post_id)
      WHERE old.list = %(list)s AND (wanted.post_id IS NULL OR wanted.key < old.key)
    ), gone AS (
      DELETE FROM feed_rankedpost old
      WHERE old.list = %(list)s AND NOT EXISTS (SELECT FROM wanted WHERE wanted.post_id = old.post_id)
    )
    INSERT INTO feed_rankedpost AS old (list, post_id, key, author_id, content_level, published_at)
    SELECT %(list)s, post_id, key, author_id, content_level, published_at FROM wanted
    ON CONFLICT (list, post_id) DO UPDATE SET key = excluded.key, content_level = excluded.content_level
    WHERE old.key <> excluded.key OR old.content_level <> excluded.content_level
"""


@dataclass(frozen=True)
class ListQuery:
    """The SQL that selects a list's candidates, and its values."""

    sql: str
    values: dict[str, Any]


def rebuild_due_lists(*, at: datetime) -> list[str]:
    """Rebuilds the lists that are due, each in one process, and returns their names."""
    known = set(PrecomputedList.objects.values_list("name", flat=True))
    missing = [PrecomputedList(name=name, rebuilt_at=at - timedelta(days=1)) for name in INTERVALS if name not in known]
    PrecomputedList.objects.bulk_create(missing, ignore_conflicts=True)
    return [name for name in INTERVALS if _rebuild_if_due(name, _interval_of(name), at)]


def _interval_of(name: str) -> timedelta:
    is_small = not PrecomputedEntry.objects.filter(list=name).order_by()[SMALL - 1 : SMALL].exists()
    return timedelta(seconds=min(INTERVALS.values()) if is_small else INTERVALS[name])


def _rebuild_if_due(name: str, interval: timedelta, at: datetime) -> bool:
    """Claims and rebuilds in one transaction: a list whose rebuild failed is due again."""
    with transaction.atomic():
        claimed = PrecomputedList.objects.filter(name=name, rebuilt_at__lte=at - interval).update(rebuilt_at=at)
        if claimed:
            rebuild_list(name, at)
    return bool(claimed)


def rebuild_list(name: str, at: datetime) -> int:
    """Rebuilds one list from counts, ratings and hourly statistics; returns how many entries were written.

    Call inside a transaction, and in one process at a time for each list.
    """
    query = _list_query(name, at)
    values = {"list": name, "at": at, "kept": KEPT, "wide": KEPT * WIDER, **query.values}
    with connection.cursor() as cursor:
        cursor.execute(_REBUILD.format(chosen=_limit_by_audience(query.sql)), values)
        return int(cursor.rowcount)


def _limit_by_audience(sql: str) -> str:
    """The first KEPT posts for each audience: from the first of all, or read again where those are too few."""
    *narrower, widest = sorted(ContentLevel.values)
    candidates = [_OF_EVERYTHING.format(level=level) for level in (*narrower, widest)]
    candidates += [sql.format(shown=(_SHOWN + _TOO_FEW).format(level=level)) for level in narrower]
    audiences = " UNION ALL ".join(_FIRST.format(candidates=each) for each in candidates)
    return _LIMITED.format(everything=sql.format(shown=_SHOWN.format(level=widest)), audiences=audiences)


def _list_query(name: str, at: datetime) -> ListQuery:
    sort, _, part = name.partition("-")
    if sort == "top":
        days = WINDOWS[part]
        return ListQuery(_TOP, {"since": None if days is None else at - timedelta(days=days) - GRACE})
    if sort == "best":
        return ListQuery(_BEST, {"aspect": part})
    if sort == "controversial":
        return ListQuery(_CONTROVERSIAL, {"prior": CONTROVERSIAL_PRIOR})
    rising = rising_posts(at)
    return ListQuery(_RISING, {"posts": [post for post, _key in rising], "keys": [key for _post, key in rising]})


def rising_posts(at: datetime) -> list[tuple[int, float]]:
    """Posts liked in the last hours with the Wilson lower bound of likers per impression, the best first.

    A like implies an impression, so there are never more likers than viewers.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT post_id, sum(likers), sum(greatest(impressions, likers)) FROM feed_posthour"
            " WHERE hour >= %s GROUP BY post_id HAVING sum(likers) > 0",
            [at - RISING_WINDOW],
        )
        found = [
            (post, formulas.wilson_lower_bound(int(likers), int(seen))) for post, likers, seen in cursor.fetchall()
        ]
    return sorted(found, key=lambda row: (-row[1], -row[0]))
