"""Whose turn it is, what is drawn together, and when a turn comes. Pure: the queue and the standing are arguments.

Start-time fair queueing (Goyal, Vin and Cheng 1996): every member has a virtual time, which grows by the cost of what
they are served divided by their weight. The member whose time is least goes first. Whoever comes back after a pause
starts at the time of the pool, so that nobody saves up turns, and a newcomer with one image is served within one round.
Age decides between equal times alone.
"""

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

BUCKETS = (1, 2, 4, 8)
MAX_PASSED_OVER = 3  # so many members may be passed over for one whose checkpoint is in memory
_FILLING = ((512 * 512, 8), (768 * 768, 4), (1024 * 1024, 2))  # pixels, and the batch to begin with


@dataclass(frozen=True)
class Candidate:
    """A queued image as far as its turn goes."""

    id: int
    author: int
    key: str  # what images of one batch share
    checkpoint: int
    cost: int  # cost units: pixels x steps x passes
    queued_at: datetime
    size: tuple[int, int] = (0, 0)  # pixels
    priority: int = 0  # among the author's own: the highest first
    is_alone: bool = False  # it failed, or was there when machines died: it takes nobody along
    is_paid: bool = False  # its author was charged for it before; drawing it again is free


Cap = Callable[[Candidate], int]


@dataclass(frozen=True)
class Standing:
    """What the members of a pool were served, as virtual time in cost units."""

    clock: float = 0.0  # of the pool: where the latest turn in order began
    finished: Mapping[int, float] = field(default_factory=dict)  # by member: where what they were served ends
    weights: Mapping[int, float] = field(default_factory=dict)  # by member; 1 where none is given

    def start_of(self, author: int) -> float:
        """Where the next turn of a member begins."""
        return max(self.clock, self.finished.get(author, self.clock))

    def price_of(self, candidate: Candidate) -> float:
        return 0.0 if candidate.is_paid else candidate.cost / self.weights.get(candidate.author, 1.0)


@dataclass(frozen=True)
class Turn:
    """When an image is drawn: its place (from 1), and the cost units that are drawn until it is done."""

    place: int
    cost: int


def default_cap(pixels: int) -> int:
    """The batch to begin with where nothing was measured: small pictures gain most from each other."""
    return next((size for most, size in _FILLING if pixels <= most), 1)


def bucket_of(count: int) -> int:
    """The padded size of a batch: the smallest bucket that holds `count`, which is 1 to 8.

    Raises:
        ValueError: no bucket holds it.
    """
    if not 1 <= count <= BUCKETS[-1]:
        raise ValueError(f"no bucket holds {count} images")
    return next(size for size in BUCKETS if size >= count)


def own_order(candidate: Candidate) -> tuple[int, datetime, int]:
    """Sort key among the images of one member."""
    return -candidate.priority, candidate.queued_at, candidate.id


def choose(
    candidates: Iterable[Candidate], *, standing: Standing, cap: Cap, warm: int | None = None
) -> list[Candidate]:
    """The next batch, the image whose turn it is first; empty when nothing waits.

    Args:
        cap: the largest batch for the key of a candidate.
        warm: the checkpoint that the worker holds in memory.
    """
    return Line(candidates, standing, cap).next_batch(warm)


def charge(standing: Standing, batch: Sequence[Candidate]) -> Standing:
    """The standing after a batch, its head first. Who is drawn along pays as well, but moves no clock."""
    if not batch:
        return standing
    finished = dict(standing.finished)
    for each in batch:
        finished[each.author] = max(standing.clock, finished.get(each.author, standing.clock)) + standing.price_of(each)
    return replace(standing, clock=standing.start_of(batch[0].author), finished=finished)


def forecast(candidates: Iterable[Candidate], *, standing: Standing, cap: Cap) -> dict[int, Turn]:
    """The turn of every image by its id, if nobody comes and nobody leaves."""
    line, turns, cost = Line(candidates, standing, cap), dict[int, Turn](), 0
    while batch := line.next_batch():
        cost += sum(each.cost for each in batch)
        for each in batch:
            turns[each.id] = Turn(len(turns) + 1, cost)
    return turns


class Line:
    """The queue of a pool while it is served."""

    def __init__(self, candidates: Iterable[Candidate], standing: Standing, cap: Cap) -> None:
        self._standing, self._cap = standing, cap
        self._own: dict[int, dict[int, Candidate]] = {}  # by author, in their order
        self._alike: dict[str, dict[int, dict[int, Candidate]]] = defaultdict(lambda: defaultdict(dict))
        for each in sorted(candidates, key=own_order):
            self._own.setdefault(each.author, {})[each.id] = each
            if not each.is_alone:
                self._alike[each.key][each.author][each.id] = each
        self._time = {author: standing.start_of(author) for author in self._own}
        self._heads = [self._entry(author) for author in self._own]
        heapq.heapify(self._heads)

    def next_batch(self, warm: int | None = None) -> list[Candidate]:
        """Takes the next batch out of the line."""
        head = self._head(warm)
        if head is None:
            return []
        self._take(head)
        batch = [head]
        if not head.is_alone:
            self._fill(batch, max(1, self._cap(head)))
        for author in {each.author for each in batch} & self._own.keys():
            heapq.heappush(self._heads, self._entry(author))
        return batch

    def _first(self, author: int) -> Candidate:
        return next(iter(self._own[author].values()))

    def _entry(self, author: int) -> tuple[float, datetime, int, int]:
        first = self._first(author)
        return self._time[author], first.queued_at, first.id, author

    def _is_current(self, entry: tuple[float, datetime, int, int]) -> bool:
        """Entries of the heap grow old when their member is served; they are skipped, not searched for."""
        return entry[3] in self._own and entry == self._entry(entry[3])

    def _head(self, warm: int | None) -> Candidate | None:
        """The image whose turn it is, or one of the warm checkpoint whose turn comes soon."""
        soon: list[tuple[float, datetime, int, int]] = []
        chosen: Candidate | None = None
        while self._heads and len(soon) <= (MAX_PASSED_OVER if warm is not None else 0):
            entry = heapq.heappop(self._heads)
            if not self._is_current(entry) or entry in soon:
                continue
            soon.append(entry)
            if self._first(entry[3]).checkpoint == warm:
                chosen = self._first(entry[3])
                break
        for entry in soon:
            heapq.heappush(self._heads, entry)
        return chosen or (self._first(soon[0][3]) if soon else None)

    def _fill(self, batch: list[Candidate], cap: int) -> None:
        """Adds images of the same key, always of the member whose time is least."""
        alike = self._alike[batch[0].key]
        waiting = [(self._time[author], own_order(next(iter(own.values()))), author) for author, own in alike.items()]
        heapq.heapify(waiting)
        while waiting and len(batch) < cap:
            author = heapq.heappop(waiting)[2]
            each = next(iter(alike[author].values()))
            self._take(each)
            batch.append(each)
            if author in alike:
                heapq.heappush(waiting, (self._time[author], own_order(next(iter(alike[author].values()))), author))

    def _take(self, candidate: Candidate) -> None:
        author = candidate.author
        self._time[author] += self._standing.price_of(candidate)
        del self._own[author][candidate.id]
        if not self._own[author]:
            del self._own[author]
        if not candidate.is_alone:
            alike = self._alike[candidate.key]
            del alike[author][candidate.id]
            if not alike[author]:
                del alike[author]
