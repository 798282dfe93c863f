"""The rows of a list, from the database: the best below what was read, by an index and within a bound."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Exists, F, Func, OuterRef, Q, QuerySet, TextField
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast

from feed.lists.spec import EPOCH, MICROSECOND, Listing, Passed, Place, as_key
from feed.models import FeedEntry, Follow, PostTag, RankedPost, RankFall
from feed.tags.services import tag_named

MERGED_FOLLOWS = 2_000  # so many authors are merged exactly; of more, the hot list is read through
SORTED_TAGGED = 10_000  # posts of a tag that are sorted; the list is read through for a tag that has more
SCANNED = 100_000  # rows of a list looked at for one snapshot where it is read through
LEAST_PER_AUTHOR = 20

_MERGE = "SELECT best.* FROM feed_follow wanted CROSS JOIN LATERAL ({rows}) best WHERE wanted.member_id = %s"
_SCAN_FOLLOWED = (
    "SELECT best.* FROM ({rows}) best"
    " WHERE best.author_id = ANY(ARRAY(SELECT followed_id FROM feed_follow WHERE member_id = %s))"
)
_SCAN_TAGGED = (
    "SELECT best.* FROM ({rows}) best"
    " WHERE EXISTS (SELECT FROM feed_posttag hung WHERE hung.post_id = best.post_id AND hung.tag_id = %s)"
)
_ORDERED = " ORDER BY 1 DESC, 2 DESC LIMIT %s"


class Row(NamedTuple):
    place: Place
    author_id: int


@dataclass(frozen=True)
class Rows:
    """Part of a list, complete down to `end`; None where it goes down to the last row there is."""

    rows: list[Row]
    moment: str  # a pg_snapshot: what the database stood at
    end: Place | None


def read_rows(listing: Listing, *, began: datetime, passed: Sequence[Passed], skip: Sequence[int], limit: int) -> Rows:
    """The best rows below what was passed.

    Args:
        began: when the reader began; a window reaches back from there, so that it stands still.
        passed: the parts already read, the latest last. What fell out of one since is left out here.
        skip: post ids already shown that no part covers.
    """
    source = _source(listing, began).exclude(post_id__in=skip)
    column = _column(listing)
    if passed:
        source = source.filter(_below(listing, column, passed[-1].end))
    for part in passed:
        source = source.exclude(Exists(_fallen_out_of(listing, part)))
    moment = Cast(Func(function="pg_current_snapshot"), TextField())
    ordered = source.annotate(moment=moment).order_by(F(column).desc(), "-post_id")
    chosen = ordered.values_list(column, "post_id", "author_id", "moment")
    if listing.tag:
        tag = tag_named(listing.tag)
        tagged = PostTag.objects.filter(tag=tag)
        if tag and listing.sort != "following" and tagged[: SORTED_TAGGED + 1].count() > SORTED_TAGGED:
            return _scanned(_SCAN_TAGGED, chosen, tag.pk, limit)
        chosen = chosen.filter(post_id__in=tagged.values("post"))
    if listing.sort == "following":
        return _followed(listing, chosen, limit)
    found = list(chosen[:limit])
    return _rows(found, None if len(found) < limit else found[-1])


def _source(listing: Listing, began: datetime) -> QuerySet[Any]:
    if listing.sort in {"hot", "new", "following"}:
        return FeedEntry.objects.filter(is_visible=True, content_level__lte=listing.level)
    ranked = RankedPost.objects.filter(list=listing.name, content_level__lte=listing.level)
    return ranked.filter(published_at__gte=began - listing.reach) if listing.reach else ranked


def _column(listing: Listing) -> str:
    return {"hot": "hot", "following": "hot", "new": "published_at"}.get(listing.sort, "key")


def _below(listing: Listing, column: str, place: Place) -> Q:
    """Written so that an index on (column, id) is entered at the place."""
    value = EPOCH + int(place.key) * MICROSECOND if listing.sort == "new" else place.key
    return Q(**{f"{column}__lte": value}) & (Q(**{f"{column}__lt": value}) | Q(post_id__lt=place.post_id))


def _fallen_out_of(listing: Listing, part: Passed) -> QuerySet[RankFall]:
    """Falls since a part was read, from a place within or above it: those posts were shown."""
    above = Q(key__gt=part.end.key) | Q(key=part.end.key, post_id__gte=part.end.post_id)
    falls = RankFall.objects.filter(above, list=listing.order, post=OuterRef("post_id"))
    return falls.committed_after(part.moment)


def _followed(listing: Listing, chosen: QuerySet[Any, Any], limit: int) -> Rows:
    """What the member's follows published: merged from each author's best, or picked from the hot list."""
    follows = Follow.objects.filter(member=listing.member).count()
    if follows > MERGED_FOLLOWS:
        return _scanned(_SCAN_FOLLOWED, chosen, listing.member, limit)
    each = max(LEAST_PER_AUTHOR, 4 * limit // max(follows, 1))
    own = chosen.filter(author_id=RawSQL("wanted.followed_id", []))[:each]
    found = _wrapped(_MERGE, own, listing.member, limit)
    return _merged(found, each, is_full=len(found) == limit)


def _scanned(picking: str, chosen: QuerySet[Any, Any], picked: int, limit: int) -> Rows:
    """What `picking` leaves of the next rows, by the id it asks for; complete down to the last row looked at."""
    found = _wrapped(picking, chosen[:SCANNED], picked, limit)
    last = found[-1] if len(found) == limit else next(iter(chosen[SCANNED - 1 : SCANNED]), None)
    return _rows(found, last)


def _merged(found: list[tuple[Any, ...]], each: int, *, is_full: bool) -> Rows:
    """Exact down to where the first author has more than was taken of them."""
    taken: dict[int, int] = {}
    for number, row in enumerate(found, 1):
        taken[row[2]] = taken.get(row[2], 0) + 1
        if taken[row[2]] == each:
            return _rows(found[:number], row)
    return _rows(found, found[-1] if is_full else None)


def _wrapped(around: str, rows: QuerySet[Any, Any], picked: int, limit: int) -> list[tuple[Any, ...]]:
    sql, values = rows.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(around.format(rows=sql) + _ORDERED, [*values, picked, limit])
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def _place(row: tuple[Any, ...]) -> Place:
    return Place(as_key(row[0]), row[1])


def _rows(found: list[tuple[Any, ...]], last: tuple[Any, ...] | None) -> Rows:
    """`last` is the row down to which nothing is missing."""
    known = next(iter(found), last)
    rows = [Row(_place(row), row[2]) for row in found]
    return Rows(rows, known[3] if known else "", _place(last) if last else None)
