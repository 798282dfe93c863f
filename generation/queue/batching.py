"""Which images are drawn together, and whose turn it is. Pure: rows, times and what was served come as arguments.

Whose turn: every member has a credit, which grows while their oldest image waits and shrinks by the cost units
they were served within a window; the largest credit goes first. That is deficit round-robin with ageing, with the
ledger of images for its counters, so that no worker has to remember anything.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean

BUCKETS = (1, 2, 4, 8)
AGE_SECONDS = 30.0  # waiting this long is worth one average image of credit
LOOK_AHEAD = 4  # so many members may be passed over for one whose checkpoint is in memory …
PATIENCE_SECONDS = 20.0  # … unless the first of them has waited longer than this
_COST_THAT_FILLS = 40_000_000  # about 1024² at 20 guided steps: more of it at once gains a tenth at most
_MOST = 8


@dataclass(frozen=True)
class Candidate:
    """A queued image as far as choosing goes."""

    id: int
    author: int
    key: str
    checkpoint: int
    cost: int  # cost units: pixels x steps x guidance passes
    queued_at: datetime
    has_failed: bool = False  # it failed once: it runs alone, so that one bad prompt takes nobody along


def default_cap(cost: int) -> int:
    """The batch size to begin with, by cost units of one image: large for small, quick pictures, 1 for SDXL's."""
    fitting = min(_MOST, _COST_THAT_FILLS // max(1, cost))
    return max((size for size in BUCKETS if size <= fitting), default=1)


def bucket_of(count: int) -> int:
    """The padded size of a batch of `count`: the smallest bucket that holds it."""
    return next((size for size in BUCKETS if size >= count), count)


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
    head = _head(candidates, credit, now, warm)
    if head.has_failed:
        return [head]
    fitting = [each for each in candidates if each.key == head.key and not each.has_failed and each.id != head.id]
    return [head, *_fill(head, fitting, credit, max(1, cap(head)) - 1)]


def credit_of(candidates: Iterable[Candidate], *, served: Mapping[int, int], now: datetime) -> dict[int, float]:
    """Credit by member, in average images of this queue."""
    oldest: dict[int, datetime] = {}
    costs: list[int] = []
    for each in candidates:
        costs.append(each.cost)
        oldest[each.author] = min(oldest.get(each.author, each.queued_at), each.queued_at)
    mean = max(1.0, fmean(costs))
    return {
        author: (now - since).total_seconds() / AGE_SECONDS - served.get(author, 0) / mean
        for author, since in oldest.items()
    }


def _age_order(candidate: Candidate) -> tuple[datetime, int]:
    return candidate.queued_at, candidate.id


def _head(candidates: Sequence[Candidate], credit: Mapping[int, float], now: datetime, warm: int | None) -> Candidate:
    first: dict[int, Candidate] = {}
    for each in sorted(candidates, key=_age_order):
        first.setdefault(each.author, each)
    heads = sorted(first.values(), key=lambda each: (-credit[each.author], *_age_order(each)))
    if (now - heads[0].queued_at).total_seconds() > PATIENCE_SECONDS:
        return heads[0]
    return next((each for each in heads[:LOOK_AHEAD] if each.checkpoint == warm), heads[0])


def _fill(head: Candidate, fitting: Sequence[Candidate], credit: Mapping[int, float], room: int) -> list[Candidate]:
    """At most ceil(cap / members) of each member first, the members in order of credit; then the oldest."""
    by_member: dict[int, list[Candidate]] = defaultdict(list)
    for each in sorted(fitting, key=_age_order):
        by_member[each.author].append(each)
    share = math.ceil((room + 1) / len({head.author, *by_member}))
    chosen: list[Candidate] = []
    for author in sorted(by_member, key=lambda author: (-credit[author], author)):
        chosen += by_member[author][: share - (author == head.author)]
    taken = {each.id for each in chosen}
    chosen += (each for each in sorted(fitting, key=_age_order) if each.id not in taken)
    return chosen[:room]
