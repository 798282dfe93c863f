"""Which images are drawn together. Pure: the queue, the time and what was served come as arguments."""

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from generation.queue.ordering import Candidate, age_order, credit_of, next_candidate

BUCKETS = (1, 2, 4, 8)
_COST_THAT_FILLS = 40_000_000  # about 1024² at 20 guided steps: more of it at once gains a tenth at most
_MAX_BATCH = 8


def default_cap(cost: int) -> int:
    """The batch size to begin with, by cost units of one image: large for small, quick pictures, 1 for SDXL's."""
    fitting = min(_MAX_BATCH, _COST_THAT_FILLS // max(1, cost))
    return max((size for size in BUCKETS if size <= fitting), default=1)


def bucket_of(count: int) -> int:
    """The padded size of a batch: the smallest bucket that holds `count`, which is 1 to 8.

    Raises:
        ValueError: no bucket holds it.
    """
    if not 1 <= count <= BUCKETS[-1]:
        raise ValueError(f"no bucket holds {count} images")
    return next(size for size in BUCKETS if size >= count)


def choose(
    candidates: Sequence[Candidate],
    *,
    served: Mapping[int, int],
    cap: Callable[[Candidate], int],
    now: datetime,
    warm: int | None = None,
) -> list[Candidate]:
    """The next batch, its head first; empty when nothing waits.

    Args:
        served: cost units each member was served within the window; members without any may be left out.
        cap: the largest batch for the key of a candidate.
        warm: the checkpoint that the worker holds in memory.
    """
    if not candidates:
        return []
    credit = credit_of(candidates, served=served, now=now)
    head = next_candidate(candidates, credit, now, warm)
    if head.has_failed:
        return [head]
    fitting = [each for each in candidates if each.key == head.key and not each.has_failed and each.id != head.id]
    return [head, *_fill(head, fitting, credit, max(1, cap(head)) - 1)]


def _fill(head: Candidate, fitting: Sequence[Candidate], credit: Mapping[int, float], free: int) -> list[Candidate]:
    """At most ceil(cap / members) of each member first, the members in order of credit; then the oldest."""
    by_member: dict[int, list[Candidate]] = defaultdict(list)
    for each in sorted(fitting, key=age_order):
        by_member[each.author].append(each)
    share = math.ceil((free + 1) / len({head.author, *by_member}))
    chosen: list[Candidate] = []
    for author in sorted(by_member, key=lambda author: (-credit[author], author)):
        chosen += by_member[author][: share - (author == head.author)]
    taken = {each.id for each in chosen}
    chosen += (each for each in sorted(fitting, key=age_order) if each.id not in taken)
    return chosen[:free]
