"""Lists that are worked out beforehand: top, rising, controversial, and best by aspect.

Each is made anew every so often by whoever claims it, and only what changed is written. A post that falls or
leaves is noted (`RankFall`), so that whoever reads the list meanwhile meets it once.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from feed.lists.spec import ASPECT_NAMES, WINDOWS
from feed.models import RankedList
from feed.ranking import formulas
from lib.content_levels import ContentLevel

KEPT = 20_000  # posts of a list that an audience can see
WIDER = 3  # times so many are read, among which narrower audiences mostly find theirs
GRACE = timedelta(hours=1)  # a window keeps what just left it for those who are reading
RISING = timedelta(hours=6)
CONTROVERSIAL_PRIOR = 5  # a spread is pulled to 0 as by so many ratings that agree
_EVERY = {"day": 60, "week": 300, "month": 900, "year": 1_800, "all": 3_600}
INTERVALS = {  # seconds
    **{f"top-{window}": seconds for window, seconds in _EVERY.items()},
    "rising": 60,
    "controversial": 900,
    **{f"best-{aspect}": 900 for aspect in ASPECT_NAMES},
}

# Each says (post_id, key, content_level) of what a list is cut from; `shown` is the condition on what hangs.
_TOP = """
    SELECT tally.post_id, tally.weight::float8 AS key, hung.content_level
    FROM feed_feedentry hung JOIN feed_postcount tally ON tally.post_id = hung.post_id
    WHERE {shown} AND (%(since)s::timestamptz IS NULL OR hung.published_at >= %(since)s)
"""
_RISING = """
    SELECT risen.post_id, risen.key, hung.content_level
    FROM unnest(%(posts)s::bigint[], %(keys)s::float8[]) AS risen(post_id, key)
    JOIN feed_feedentry hung ON hung.post_id = risen.post_id WHERE {shown}
"""
_BEST = """
    SELECT judged.post_id, judged.mean AS key, hung.content_level
    FROM feed_postaspect judged JOIN feed_feedentry hung ON hung.post_id = judged.post_id
    WHERE {shown} AND judged.aspect = %(aspect)s
"""
_CONTROVERSIAL = """
    SELECT judged.post_id, sum(judged.spread * judged.n) / (sum(judged.n) + %(prior)s) AS key, hung.content_level
    FROM feed_postaspect judged JOIN feed_feedentry hung ON hung.post_id = judged.post_id
    WHERE {shown} GROUP BY judged.post_id, hung.content_level HAVING sum(judged.spread * judged.n) > 0
"""
_SHOWN = "hung.is_visible AND hung.content_level <= {level}"
# Asked once, before anything is read again: whether the first of all are cut, and hold too few of an audience's.
_TOO_FEW = """ AND (
    SELECT count(*) = %(wide)s AND count(*) FILTER (WHERE content_level <= {level}) < %(kept)s FROM everything
)"""
_CUT = """
    WITH everything AS MATERIALIZED ({everything} ORDER BY key DESC, post_id DESC LIMIT %(wide)s)
    SELECT post_id, max(key) AS key FROM ({audiences}) found GROUP BY post_id
"""
_FIRST = "(SELECT * FROM ({candidates}) candidates ORDER BY key DESC, post_id DESC LIMIT %(kept)s)"
_OF_EVERYTHING = "SELECT * FROM everything WHERE content_level <= {level}"
_REBUILD = """
    WITH wanted AS MATERIALIZED (
      SELECT chosen.post_id, chosen.key, hung.author_id, hung.content_level, hung.published_at
      FROM ({chosen}) chosen JOIN feed_feedentry hung ON hung.post_id = chosen.post_id AND hung.is_visible
    ), falls AS (
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
class Recipe:
    sql: str
    values: dict[str, Any]


def rebuild_due_lists(*, at: datetime) -> list[str]:
    """Rebuilds the lists whose time has come, each by one process, and returns their names."""
    known = set(RankedList.objects.values_list("name", flat=True))
    missing = [RankedList(name=name, rebuilt_at=at - timedelta(days=1)) for name in INTERVALS if name not in known]
    RankedList.objects.bulk_create(missing, ignore_conflicts=True)
    return [name for name, seconds in INTERVALS.items() if _rebuild_if_due(name, timedelta(seconds=seconds), at)]


def _rebuild_if_due(name: str, interval: timedelta, at: datetime) -> bool:
    """The claim and the list stand or fall together: a rebuild that fails is due again."""
    with transaction.atomic():
        claimed = RankedList.objects.filter(name=name, rebuilt_at__lte=at - interval).update(rebuilt_at=at)
        if claimed:
            rebuild_list(name, at)
    return bool(claimed)


def rebuild_list(name: str, at: datetime) -> int:
    """Brings one list in line with counts, ratings and hours; returns how many places were written.

    Call inside a transaction, by one process at a time for a list.
    """
    recipe = _recipe(name, at)
    values = {"list": name, "at": at, "kept": KEPT, "wide": KEPT * WIDER, **recipe.values}
    with connection.cursor() as cursor:
        cursor.execute(_REBUILD.format(chosen=_cut(recipe.sql)), values)
        return int(cursor.rowcount)


def _cut(sql: str) -> str:
    """The first KEPT of what each audience may see: out of the first of all, or read again where these are too few."""
    *narrower, widest = sorted(ContentLevel.values)
    candidates = [_OF_EVERYTHING.format(level=level) for level in (*narrower, widest)]
    candidates += [sql.format(shown=(_SHOWN + _TOO_FEW).format(level=level)) for level in narrower]
    audiences = " UNION ALL ".join(_FIRST.format(candidates=each) for each in candidates)
    return _CUT.format(everything=sql.format(shown=_SHOWN.format(level=widest)), audiences=audiences)


def _recipe(name: str, at: datetime) -> Recipe:
    sort, _, part = name.partition("-")
    if sort == "top":
        days = WINDOWS[part]
        return Recipe(_TOP, {"since": None if days is None else at - timedelta(days=days) - GRACE})
    if sort == "best":
        return Recipe(_BEST, {"aspect": part})
    if sort == "controversial":
        return Recipe(_CONTROVERSIAL, {"prior": CONTROVERSIAL_PRIOR})
    risen = rising_posts(at)
    return Recipe(_RISING, {"posts": [post for post, _key in risen], "keys": [key for _post, key in risen]})


def rising_posts(at: datetime) -> list[tuple[int, float]]:
    """(post id, Wilson lower bound of likers per impression in the last hours), the best first.

    A like implies an impression, so there are never more likers than viewers.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT post_id, sum(likers), sum(greatest(impressions, likers)) FROM feed_posthour"
            " WHERE hour >= %s GROUP BY post_id HAVING sum(likers) > 0",
            [at - RISING],
        )
        found = [
            (post, formulas.wilson_lower_bound(int(likers), int(seen))) for post, likers, seen in cursor.fetchall()
        ]
    return sorted(found, key=lambda row: (-row[1], -row[0]))
