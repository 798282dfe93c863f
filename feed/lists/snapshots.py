"""Snapshots: 2,000 ids of a list in Valkey, shared by everybody who reads it.

A list that is being read stands still, so nothing in it comes twice and nothing is jumped over, whatever
happens to the ranking meanwhile. Where a snapshot ends, or after it expired, the next one starts exactly below
what was read (`feed.lists.queries`). Visibility is never taken from here: pages are re-checked when they are read.
"""

import hashlib
import secrets
from array import array
from bisect import bisect_right
from dataclasses import dataclass, replace
from datetime import datetime

from django.core.cache import cache

from feed.lists import diversity
from feed.lists.cursors import Cursor
from feed.lists.diversity import Slot
from feed.lists.queries import Rows, read_rows
from feed.lists.spec import Listing, Place, as_key

LIMIT = 2_000
KEPT_SECONDS = 30 * 60
SMALL, SMALL_SHARED_SECONDS = 240, 1  # a short list costs next to nothing to read afresh
BUILDING_SECONDS = 10
FRESH_SECONDS = 2  # a list is rebuilt for those who ask for what is new at most this often


@dataclass(frozen=True)
class Segment:
    """Part of a list, packed: post ids in the order shown, and the exact place at which each block ends."""

    key: str
    built_at: datetime
    moment: str
    posts: "array[int]"
    folded: dict[int, list[int]]  # position -> ids of the author's further posts in that block
    ends: "array[int]"  # per block: the position after its last post
    end_keys: "array[float]"
    end_posts: "array[int]"
    is_last: bool

    def blocks_before(self, position: int) -> int:
        return bisect_right(self.ends, position)

    def at(self, cursor: Cursor, position: int) -> Cursor:
        """`cursor` moved to `position` of this segment."""
        whole = self.blocks_before(position)
        end = Place(self.end_keys[whole - 1], self.end_posts[whole - 1]) if whole else None
        first = self.ends[whole - 1] if whole else 0
        shown = [*self.posts[first:position], *(i for at in range(first, position) for i in self.folded.get(at, ()))]
        return replace(
            cursor, segment=self.key, position=position, moment=self.moment, block_end=end, shown=tuple(shown)
        )


def pack(key: str, read: Rows, listing: Listing, built_at: datetime) -> Segment:
    rows = read.rows
    posts, ends, end_posts = array("q"), array("q"), array("q")
    end_keys = array("d")
    folded: dict[int, list[int]] = {}
    authors: list[int] = []
    for first in range(0, len(rows), listing.block):
        block = rows[first : first + listing.block]
        pairs = [(row.place.post_id, row.author_id) for row in block]
        slots = diversity.spread(pairs, authors) if listing.block > 1 else [Slot(*pair) for pair in pairs]
        for slot in slots:
            if slot.folded:
                folded[len(posts)] = slot.folded
            posts.append(slot.post_id)
            authors.append(slot.author_id)
        ends.append(len(posts))
        end_keys.append(block[-1].place.key)
        end_posts.append(block[-1].place.post_id)
    if read.end is not None and (not rows or rows[-1].place != read.end):  # looked at further, in vain
        ends.append(len(posts))
        end_keys.append(read.end.key)
        end_posts.append(read.end.post_id)
    return Segment(key, built_at, read.moment, posts, folded, ends, end_keys, end_posts, is_last=read.end is None)


def first_segment(listing: Listing, at: datetime, newer_than: datetime | None = None) -> Segment:
    """The current snapshot of a list, built if there is none or it was shared long enough.

    Args:
        newer_than: for a reader who must see what they just did, or asked for what is new.
    """
    pointer = f"feed:current:{listing.name}:{listing.filter_hash}"
    current: Segment | None = cache.get(cache.get(pointer) or "feed:none")
    if current is not None and not _is_due(current, listing, at, newer_than):
        return current
    # One process builds; the others show the last one, if there is one. Where there is none, all build theirs.
    if current is not None and not cache.add(f"{pointer}:building", 1, BUILDING_SECONDS):
        return current
    built = _build(f"feed:segment:{secrets.token_urlsafe(9)}", listing, Cursor(began=at), at)
    cache.set(pointer, built.key, KEPT_SECONDS)
    cache.delete(f"{pointer}:building")
    return built


def _is_due(current: Segment, listing: Listing, at: datetime, newer_than: datetime | None) -> bool:
    age = (at - current.built_at).total_seconds()
    is_small = current.is_last and len(current.posts) < SMALL
    if age >= (SMALL_SHARED_SECONDS if is_small else listing.shared_seconds):
        return True
    return newer_than is not None and current.built_at <= newer_than and age >= FRESH_SECONDS


def stored_segment(cursor: Cursor) -> Segment | None:
    """The segment a cursor names, unless it expired."""
    found: Segment | None = cache.get(cursor.segment) if cursor.segment else None
    return found


def next_segment(listing: Listing, cursor: Cursor, at: datetime) -> Segment:
    """What comes below everything `cursor` has passed; shared by all who passed the same."""
    state = repr((listing.name, listing.filter_hash, as_key(cursor.began), cursor.passed, cursor.skip))
    key = f"feed:segment:{hashlib.sha256(state.encode()).hexdigest()[:24]}"
    found: Segment | None = cache.get(key)
    return found if found is not None else _build(key, listing, cursor, at)


def _build(key: str, listing: Listing, cursor: Cursor, at: datetime) -> Segment:
    rows = read_rows(listing, began=cursor.began, passed=cursor.passed, skip=cursor.skip, limit=LIMIT)
    segment = pack(key, rows, listing, at)
    cache.set(key, segment, KEPT_SECONDS)
    return segment
