"""Spreads authors inside blocks of a ranking, so that no author's burst fills a screen. Pure functions."""

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from math import ceil

BLOCK = 120  # posts are only reordered inside a block, so that each end of a block is an exact sort key
WINDOW = 30
PER_AUTHOR = 2


@dataclass
class Slot:
    """A position in the list: the post shown there, and further posts of its author that are collapsed behind it."""

    post_id: int
    author_id: int
    collapsed: list[int] = field(default_factory=list)


def spread(rows: Sequence[tuple[int, int]], before: Sequence[int] = (), *, is_full: bool | None = None) -> list[Slot]:
    """Orders one block of ``(post id, author id)`` so that any ``WINDOW`` neighbours hold few posts of one author.

    Args:
        rows: at most ``BLOCK`` rows, the best first.
        before: authors of the slots just before the block, the nearest last.
        is_full: whether the list goes on after the block; by default, whether it has ``BLOCK`` rows.

    Posts that fit nowhere are collapsed behind their author's last slot. In a block that is not full, the last of a
    list, they come at the end instead: no post after them is crowded out.
    """
    limit = author_limit(rows)
    recent = deque(before[-(WINDOW - 1) :])
    shown = Counter(recent)
    waiting, placed = list(rows), []
    while chosen := next((row for row in waiting if shown[row[1]] < limit), None):
        waiting.remove(chosen)
        placed.append(Slot(*chosen))
        recent.append(chosen[1])
        shown[chosen[1]] += 1
        if len(recent) == WINDOW:
            shown[recent.popleft()] -= 1
    if not (len(rows) >= BLOCK if is_full is None else is_full):
        return placed + [Slot(*row) for row in waiting]
    return _collapse(placed, waiting)


def author_limit(rows: Sequence[tuple[int, int]]) -> int:
    """Posts of one author per ``WINDOW``: ``PER_AUTHOR``, or more where too few authors share the block."""
    authors = len({author for _, author in islice(rows, BLOCK)})
    return max(PER_AUTHOR, ceil(WINDOW / authors)) if authors else PER_AUTHOR


def _collapse(placed: list[Slot], waiting: Sequence[tuple[int, int]]) -> list[Slot]:
    last = {slot.author_id: slot for slot in placed}
    alone: list[Slot] = []
    for post_id, author_id in waiting:
        if author_id in last:
            last[author_id].collapsed.append(post_id)
        else:  # the block before ended in posts of this author, so this block has no slot to collapse behind
            last[author_id] = Slot(post_id, author_id)
            alone.append(last[author_id])
    return placed + alone
