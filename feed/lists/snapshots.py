"""Snapshots: the ids of the next 2,000 posts of a list, kept in Valkey and shared by all its readers.

A list does not move while it is read, so no post comes twice and none is skipped, whatever happens to the ranking
meanwhile. Where a snapshot ends or has expired, the next one starts exactly below what was read
(`feed.lists.queries`). Visibility is never taken from a snapshot: every page checks it again.
"""

import hashlib
import secrets
from array import array
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime

from django.core.cache import cache

from feed.lists import diversity
from feed.lists.cursors import Cursor
from feed.lists.diversity import Slot
from feed.lists.queries import EntryRange, read_entries
from feed.lists.spec import FeedSpec, SortKey, sort_value
from generation.models import Image

LIMIT = 2_000
KEPT_SECONDS = 30 * 60
SMALL, SMALL_SHARED_SECONDS = 240, 1  # a short list is cheap to read again
BUILDING_SECONDS = 10
FRESH_SECONDS = 2  # readers who ask for what is new have a list rebuilt at most this often
SEGMENT_KEY = "feed:segment:3:"  # the number changes with what `_store` writes


@dataclass(frozen=True)
class Segment:
    """Part of a list, packed: post ids in the order shown, and the sort key at which each block ends."""

    key: str
    built_at: datetime
    pg_snapshot: str
    posts: "array[int]"
    collapsed: dict[int, list[int]]  # position -> ids of further posts of the author in that block
    ends: "array[int]"  # per block: the position after its last post
    end_values: "array[float]"
    end_posts: "array[int]"
    is_last: bool
    stacked: dict[int, list[int]]  # position -> ids of variations of that post, wherever in this part they rank

    def behind(self, position: int) -> list[int]:
        """Ids of the posts that stand behind the one at `position`."""
        return [*self.stacked.get(position, ()), *self.collapsed.get(position, ())]

    def blocks_before(self, position: int) -> int:
        return bisect_right(self.ends, position)

    def at(self, cursor: Cursor, position: int) -> Cursor:
        """`cursor` moved to `position` of this segment."""
        whole = self.blocks_before(position)
        end = SortKey(self.end_values[whole - 1], self.end_posts[whole - 1]) if whole else None
        first = self.ends[whole - 1] if whole else 0
        shown = [*self.posts[first:position], *(i for at in range(first, position) for i in self.behind(at))]
        return replace(
            cursor,
            segment=self.key,
            position=position,
            pg_snapshot=self.pg_snapshot,
            block_end=end,
            shown=tuple(shown),
        )


def pack(
    key: str, read: EntryRange, spec: FeedSpec, built_at: datetime, generations: Mapping[int, int] | None = None
) -> Segment:
    """Packs what was read; `generations` of post ids stacks the variations of each."""
    entries = read.entries
    variations = _variations([entry.sort_key.post_id for entry in entries], generations or {})
    hidden = {post_id for ids in variations.values() for post_id in ids}
    posts, ends, end_posts = array("q"), array("q"), array("q")
    end_values = array("d")
    collapsed: dict[int, list[int]] = {}
    stacked: dict[int, list[int]] = {}
    authors: list[int] = []
    for first in range(0, len(entries), spec.block_size):
        block = entries[first : first + spec.block_size]
        pairs = [(entry.sort_key.post_id, entry.author_id) for entry in block if entry.sort_key.post_id not in hidden]
        is_full = len(block) == diversity.BLOCK
        slots = diversity.spread(pairs, authors, is_full=is_full) if spec.block_size > 1 else [Slot(*p) for p in pairs]
        for slot in slots:
            if slot.collapsed:
                collapsed[len(posts)] = [i for one in slot.collapsed for i in (one, *variations.get(one, ()))]
            if slot.post_id in variations:
                stacked[len(posts)] = variations[slot.post_id]
            posts.append(slot.post_id)
            authors.append(slot.author_id)
        ends.append(len(posts))
        end_values.append(block[-1].sort_key.value)
        end_posts.append(block[-1].sort_key.post_id)
    if read.end is not None and (not entries or entries[-1].sort_key != read.end):  # a scan that looked further
        ends.append(len(posts))
        end_values.append(read.end.value)
        end_posts.append(read.end.post_id)
    is_last = read.end is None
    return Segment(key, built_at, read.pg_snapshot, posts, collapsed, ends, end_values, end_posts, is_last, stacked)


def _variations(post_ids: Sequence[int], generations: Mapping[int, int]) -> dict[int, list[int]]:
    """{the first post of a generation in the list: the others of it}."""
    fronts: dict[int, int] = {}
    found: dict[int, list[int]] = {}
    for post_id in post_ids:
        generation = generations.get(post_id)
        if generation is None:
            continue
        front = fronts.setdefault(generation, post_id)
        if front != post_id:
            found.setdefault(front, []).append(post_id)
    return found


def first_segment(spec: FeedSpec, at: datetime, newer_than: datetime | None = None) -> Segment:
    """The current snapshot of a list; a new one if there is none or it is older than readers may share it.

    Args:
        newer_than: for a reader who must see what they just changed, or who asked for what is new.
    """
    pointer = f"feed:current:{spec.name}:{spec.filter_hash}{':stacked' if spec.is_stacked else ''}"
    current = _load(cache.get(pointer) or "")
    if current is not None and not _is_due(current, spec, at, newer_than):
        return current
    # One process builds while the others show the previous snapshot. If there is none, each builds its own.
    if current is not None and not cache.add(f"{pointer}:building", 1, BUILDING_SECONDS):
        return current
    built = _build(f"{SEGMENT_KEY}{secrets.token_urlsafe(9)}", spec, Cursor(began=at), at)
    cache.set(pointer, built.key, KEPT_SECONDS)
    cache.delete(f"{pointer}:building")
    return built


def _is_due(current: Segment, spec: FeedSpec, at: datetime, newer_than: datetime | None) -> bool:
    age = (at - current.built_at).total_seconds()
    is_small = current.is_last and len(current.posts) < SMALL
    if age >= (SMALL_SHARED_SECONDS if is_small else spec.shared_seconds):
        return True
    return newer_than is not None and current.built_at <= newer_than and age >= FRESH_SECONDS


def find_segment(cursor: Cursor) -> Segment | None:
    """The segment that a cursor names, unless it has expired."""
    return _load(cursor.segment)


def next_segment(spec: FeedSpec, cursor: Cursor, at: datetime) -> Segment:
    """The posts below everything that `cursor` has read; shared by all readers who have read the same."""
    read = (sort_value(cursor.began), cursor.read_ranges, cursor.skip)
    state = repr((spec.name, spec.filter_hash, *read, spec.is_stacked))
    key = f"{SEGMENT_KEY}{hashlib.sha256(state.encode()).hexdigest()[:24]}"
    return _load(key) or _build(key, spec, cursor, at)


def _build(key: str, spec: FeedSpec, cursor: Cursor, at: datetime) -> Segment:
    entries = read_entries(spec, began=cursor.began, read_ranges=cursor.read_ranges, skip=cursor.skip, limit=LIMIT)
    ids = [entry.sort_key.post_id for entry in entries.entries]
    generations = dict(Image.objects.filter(post__in=ids).values_list("post", "generation")) if spec.is_stacked else {}
    segment = pack(key, entries, spec, at, generations)
    _store(segment)
    return segment


def _store(segment: Segment) -> None:
    """Keeps plain values, not the class: what one version of the code stored, another can read or miss, never fail."""
    cache.set(segment.key, tuple(getattr(segment, field.name) for field in fields(Segment)), KEPT_SECONDS)


def _load(key: str) -> Segment | None:
    """Nothing under a key of another version, such as one in a cursor made before an upgrade."""
    stored = cache.get(key) if key.startswith(SEGMENT_KEY) else None
    return Segment(*stored) if stored else None
