"""Reads the next entries of a list from the database: the best below what was read, by an index and within a bound."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Exists, F, Func, OuterRef, Q, QuerySet, TextField
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast

from feed.lists.filters import Condition
from feed.lists.spec import EPOCH, MICROSECOND, FeedSpec, ReadRange, SortKey, sort_value
from feed.members.models import Follow
from feed.ranking.models import FeedEntry, PrecomputedEntry, RankDrop
from feed.tags.models import PostTag
from feed.tags.services import find_tag

MERGED_FOLLOWS = 2_000  # up to so many authors are merged exactly; for more, the hot list is scanned
SORTED_TAGGED = 10_000  # up to so many posts of a tag are sorted; for a larger tag, the list is scanned
SCANNED = 100_000  # rows looked at for one snapshot where a list is scanned
LEAST_PER_AUTHOR = 20

_MERGE = "SELECT best.* FROM feed_follow wanted CROSS JOIN LATERAL ({entries}) best WHERE wanted.member_id = %s"
_SCAN = "SELECT best.* FROM ({entries}) best WHERE {conditions}"
_FOLLOWED = "best.author_id = ANY(ARRAY(SELECT followed_id FROM feed_follow WHERE member_id = %s))"
_TAGGED = "EXISTS (SELECT FROM feed_posttag tagged WHERE tagged.post_id = best.post_id AND tagged.tag_id = %s)"
_ORDERED = " ORDER BY 1 DESC, 2 DESC LIMIT %s"


class Entry(NamedTuple):
    sort_key: SortKey
    author_id: int


@dataclass(frozen=True)
class EntryRange:
    """Part of a list, complete down to `end`; None where it reaches the end of the list."""

    entries: list[Entry]
    pg_snapshot: str  # what the statement saw
    end: SortKey | None


def read_entries(
    spec: FeedSpec, *, began: datetime, read_ranges: Sequence[ReadRange], skip: Sequence[int], limit: int
) -> EntryRange:
    """Reads the best entries below what was read.

    Args:
        began: when the reader began. A window counts back from there, so that it does not move.
        read_ranges: the parts already read, the latest last. Posts that dropped out of one since are left out.
        skip: ids of posts already shown that no range covers.
    """
    source = _source(spec, began).exclude(post_id__in=skip)
    column = _column(spec)
    if read_ranges:
        source = source.filter(_below(spec, column, read_ranges[-1].end))
    for part in read_ranges:
        source = source.exclude(Exists(_drops_from(spec, part)))
    pg_snapshot = Cast(Func(function="pg_current_snapshot"), TextField())
    ordered = source.annotate(pg_snapshot=pg_snapshot).order_by(F(column).desc(), "-post_id")
    chosen = ordered.values_list(column, "post_id", "author_id", "pg_snapshot")
    conditions = spec.filters.conditions()
    if spec.tag:
        tag = find_tag(spec.tag)
        tagged = PostTag.objects.filter(tag=tag)
        if tag and spec.sort != "following" and tagged[: SORTED_TAGGED + 1].count() > SORTED_TAGGED:
            conditions.append(Condition(_TAGGED, [tag.pk]))
        else:
            chosen = chosen.filter(post_id__in=tagged.values("post"))
    if spec.sort == "following":
        return _read_followed(spec, chosen, conditions, limit)
    if conditions:
        return _scan(conditions, chosen, limit)
    found = list(chosen[:limit])
    return _entry_range(found, None if len(found) < limit else found[-1])


def _source(spec: FeedSpec, began: datetime) -> QuerySet[Any]:
    if spec.sort in {"hot", "new", "following"}:
        return FeedEntry.objects.filter(is_visible=True, content_level__lte=spec.level)
    entries = PrecomputedEntry.objects.filter(list=spec.name, content_level__lte=spec.level)
    return entries.filter(published_at__gte=began - spec.window_length) if spec.window_length else entries


def _column(spec: FeedSpec) -> str:
    return {"hot": "hot", "following": "hot", "new": "published_at"}.get(spec.sort, "key")


def _below(spec: FeedSpec, column: str, key: SortKey) -> Q:
    """Written so that an index on (column, id) is entered at the sort key."""
    value = EPOCH + int(key.value) * MICROSECOND if spec.sort == "new" else key.value
    return Q(**{f"{column}__lte": value}) & (Q(**{f"{column}__lt": value}) | Q(post_id__lt=key.post_id))


def _drops_from(spec: FeedSpec, part: ReadRange) -> QuerySet[RankDrop]:
    """Drops since a range was read, from inside or above it: those posts were shown."""
    above = Q(key__gt=part.end.value) | Q(key=part.end.value, post_id__gte=part.end.post_id)
    drops = RankDrop.objects.filter(above, list=spec.order, post=OuterRef("post_id"))
    return drops.committed_after(part.pg_snapshot)


def _read_followed(spec: FeedSpec, chosen: QuerySet[Any, Any], conditions: list[Condition], limit: int) -> EntryRange:
    """Posts by members that the viewer follows: merged from each author's best, or scanned from the hot list."""
    follows = Follow.objects.filter(member=spec.member).count()
    if conditions or follows > MERGED_FOLLOWS:
        return _scan([*conditions, Condition(_FOLLOWED, [spec.member])], chosen, limit)
    each = max(LEAST_PER_AUTHOR, 4 * limit // max(follows, 1))
    own = chosen.filter(author_id=RawSQL("wanted.followed_id", []))[:each]
    found = _fetch_wrapped(_MERGE, own, [spec.member], limit)
    return _merged_range(found, each, is_full=len(found) == limit)


def _scan(conditions: list[Condition], chosen: QuerySet[Any, Any], limit: int) -> EntryRange:
    """Filters the next `SCANNED` rows; complete down to the last row looked at."""
    sql = _SCAN.replace("{conditions}", " AND ".join(condition.sql for condition in conditions))
    values = [value for condition in conditions for value in condition.values]
    found = _fetch_wrapped(sql, chosen[:SCANNED], values, limit)
    last = found[-1] if len(found) == limit else next(iter(chosen[SCANNED - 1 : SCANNED]), None)
    return _entry_range(found, last)


def _merged_range(found: list[tuple[Any, ...]], each: int, *, is_full: bool) -> EntryRange:
    """Complete down to the first author of whom there may be more than the `each` posts that were read."""
    taken: dict[int, int] = {}
    for number, row in enumerate(found, 1):
        taken[row[2]] = taken.get(row[2], 0) + 1
        if taken[row[2]] == each:
            return _entry_range(found[:number], row)
    return _entry_range(found, found[-1] if is_full else None)


def _fetch_wrapped(outer: str, entries: QuerySet[Any, Any], wanted: Sequence[int], limit: int) -> list[tuple[Any, ...]]:
    sql, values = entries.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(outer.format(entries=sql) + _ORDERED, [*values, *wanted, limit])
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def _sort_key(row: tuple[Any, ...]) -> SortKey:
    return SortKey(sort_value(row[0]), row[1])


def _entry_range(found: list[tuple[Any, ...]], last: tuple[Any, ...] | None) -> EntryRange:
    """`last` is the row down to which nothing is missing."""
    known = next(iter(found), last)
    entries = [Entry(_sort_key(row), row[2]) for row in found]
    return EntryRange(entries, known[3] if known else "", _sort_key(last) if last else None)
