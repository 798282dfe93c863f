"""Spreading authors inside blocks of a ranking, so that nobody's burst fills a screen. Pure."""

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from math import ceil

BLOCK = 120  # a permutation never leaves its block, so that each end of a block is an exact place in the ranking
WINDOW = 30
PER_AUTHOR = 2


@dataclass
class Slot:
    """A place in the list: the post shown there, and the author's further posts folded behind it."""

    post_id: int
    author_id: int
    folded: list[int] = field(default_factory=list)


def spread(rows: Sequence[tuple[int, int]], before: Sequence[int] = ()) -> list[Slot]:
    """Orders one block of ``(post id, author id)`` so that any ``WINDOW`` neighbours hold few posts of one author.

    Args:
        rows: at most ``BLOCK`` rows, the best first.
        before: authors of the slots just before the block, the nearest last.

    What fits nowhere is folded behind the author's last slot. In a block that is not full, the last of a list,
    it comes at the end instead: there is nobody after it to be crowded out.
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
    if len(rows) < BLOCK:
        return placed + [Slot(*row) for row in waiting]
    return _fold(placed, waiting)


def author_limit(rows: Sequence[tuple[int, int]]) -> int:
    """Posts of one author per ``WINDOW``: ``PER_AUTHOR``, or more where too few authors share the block."""
    authors = len({author for _, author in islice(rows, BLOCK)})
    return max(PER_AUTHOR, ceil(WINDOW / authors)) if authors else PER_AUTHOR


def _fold(placed: list[Slot], waiting: Sequence[tuple[int, int]]) -> list[Slot]:
    last = {slot.author_id: slot for slot in placed}
    alone: list[Slot] = []
    for post_id, author_id in waiting:
        if author_id in last:
            last[author_id].folded.append(post_id)
        else:  # the block before ended in this author's posts: nothing of theirs is shown here to fold behind
            last[author_id] = Slot(post_id, author_id)
            alone.append(last[author_id])
    return placed + alone
