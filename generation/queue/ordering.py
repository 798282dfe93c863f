"""Whose turn it is. Pure: the queue, the time and what was served come as arguments.

Every member has a credit, which grows while their oldest image waits and shrinks by the cost units they were served
within a window; the largest credit goes first. That is deficit round-robin with ageing. The rows of images are its
counters, so that no worker has to remember anything.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean

AGE_SECONDS = 30.0  # waiting this long is worth one average image of credit
MAX_PASSED_OVER = 3  # so many members may be passed over for one whose checkpoint is in memory …
PASS_OVER_SECONDS = 20.0  # … unless the first of them has waited longer than this


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


def credit_of(candidates: Iterable[Candidate], *, served: Mapping[int, int], now: datetime) -> dict[int, float]:
    """Credit by member, in average images of this queue; empty for an empty queue.

    Args:
        served: cost units each member was served within the window; members without any may be left out.
    """
    oldest: dict[int, datetime] = {}
    costs: list[int] = []
    for each in candidates:
        costs.append(each.cost)
        oldest[each.author] = min(oldest.get(each.author, each.queued_at), each.queued_at)
    mean = max(1.0, fmean(costs)) if costs else 1.0
    return {
        author: (now - since).total_seconds() / AGE_SECONDS - served.get(author, 0) / mean
        for author, since in oldest.items()
    }


def age_order(candidate: Candidate) -> tuple[datetime, int]:
    """Sort key: the oldest first."""
    return candidate.queued_at, candidate.id


def next_candidate(
    candidates: Sequence[Candidate], credit: Mapping[int, float], now: datetime, warm: int | None
) -> Candidate:
    """The image whose turn it is, of at least one. `warm` is the checkpoint that the worker holds in memory."""
    first: dict[int, Candidate] = {}
    for each in sorted(candidates, key=age_order):
        first.setdefault(each.author, each)
    heads = sorted(first.values(), key=lambda each: (-credit[each.author], *age_order(each)))
    if (now - heads[0].queued_at).total_seconds() > PASS_OVER_SECONDS:
        return heads[0]
    return next((each for each in heads[: MAX_PASSED_OVER + 1] if each.checkpoint == warm), heads[0])
