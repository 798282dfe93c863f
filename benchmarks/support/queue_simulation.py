"""A pool of GPUs and its members on a clock of its own: what they wait for is decided by the queue's own pure code.

What one claim sees of the queue is chosen as `generation.queue.queries.queued_candidates` chooses it in SQL.
"""

import heapq
import random
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

from generation.queue.ordering import Candidate, Standing, charge, choose, default_cap
from generation.queue.queries import PER_MEMBER, WINDOW

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
WARM_SECONDS = 20.0  # as generation.queue.worker has it; that module imports torch
SIZES = ((1024, 1024), (1152, 896), (896, 1152))
STEPS, PASSES = 30, 2
COUNTS = (1, 1, 4, 4)  # pictures of a request
PICTURES = sum(COUNTS) / len(COUNTS)
ZIPF = 0.8  # a few members ask for much, and most for little
UNIT_COST = 1024 * 1024 * STEPS * PASSES  # of a usual picture


@dataclass(frozen=True)
class Plan:
    """What is simulated; times in seconds."""

    workers: int
    members: int
    load: float  # what ordinary members ask for, of what the workers can draw
    floods: int  # members who always have as much waiting as they may
    duration: float
    picture: float = 3.31  # on one GPU
    loading: float = 20.0  # of another checkpoint
    claim: float = 0.05  # one at a time in a pool
    checkpoints: int = 3
    kept: int = 8  # checkpoints that fit into a GPU's memory, the least recently used goes first
    most_pending: int = 24
    seed: int = 0


@dataclass
class _Worker:
    kept: list[int]  # checkpoints in memory, the latest last
    warm: int | None = None
    warm_until: float = 0.0

    def known(self, now: float) -> int | None:
        return self.warm if now <= self.warm_until else None


@dataclass
class Seen:
    """What was counted."""

    waits: list[float] = field(default_factory=list)  # from the request to the lease, of whoever had more waiting
    flood_waits: list[float] = field(default_factory=list)
    first_waits: list[float] = field(default_factory=list)  # of members who had nothing in the queue
    chose: list[float] = field(default_factory=list)  # seconds of this machine in the pure code, for each claim
    locked: list[float] = field(default_factory=list)  # how long a worker waited for the pool's lock
    served: Counter[int] = field(default_factory=Counter)  # cost units by member
    busy: float = 0.0  # seconds of GPUs
    loads: int = 0
    batches: int = 0
    refused: int = 0
    longest: int = 0  # queue


class Pool:
    """The queue of a pool in memory: what waits, and what its members were served."""

    def __init__(self) -> None:
        self.own: defaultdict[int, deque[Candidate]] = defaultdict(deque)
        self.standing = Standing()
        self.waiting = 0

    def add(self, candidate: Candidate) -> None:
        self.own[candidate.author].append(candidate)
        self.waiting += 1

    def candidates(self) -> list[Candidate]:
        """Every member's first image before anybody's second, those who were served least first."""
        seen: list[Candidate] = []
        for turn in range(PER_MEMBER):
            rows = [
                (self.standing.start_of(author), own[turn].queued_at, own[turn].id, own[turn])
                for author, own in self.own.items()
                if len(own) > turn
            ]
            if not rows:
                break
            seen += [row[3] for row in heapq.nsmallest(WINDOW - len(seen), rows)]
            if len(seen) >= WINDOW:
                break
        return seen

    def claim(self, warm: int | None) -> list[Candidate]:
        batch = choose(
            self.candidates(), standing=self.standing, cap=lambda c: default_cap(c.size[0] * c.size[1]), warm=warm
        )
        self.standing = charge(self.standing, batch)
        for each in batch:
            self.own[each.author].remove(each)
            if not self.own[each.author]:
                del self.own[each.author]
        self.waiting -= len(batch)
        return batch


class Simulation:
    """Requests and batches in the order of time."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.rng, self.pool, self.seen = plan, random.Random(plan.seed), Pool(), Seen()
        self.pending: Counter[int] = Counter()
        self.idle = [_Worker(list(range(min(plan.kept, plan.checkpoints)))) for _ in range(plan.workers)]
        self.events: list[tuple[float, int, Callable[[float], None]]] = []
        self.count = 0  # of events and pictures
        self.lock_free = 0.0
        self.firsts: set[int] = set()  # pictures of members who had nothing in the queue

    def run(self) -> Seen:
        self._plan_requests()
        while self.events and self.events[0][0] < self.plan.duration:
            now, _number, happens = heapq.heappop(self.events)
            happens(now)
            while self.idle and self.pool.waiting:
                self._claim(now, self.idle.pop())
        return self.seen

    def _plan_requests(self) -> None:
        """Ordinary members come at random; the others fill what they may have, and come again whenever they can."""
        rate = self.plan.load * self.plan.workers / self.plan.picture / PICTURES
        at, number = 0.0, int(2 * rate * self.plan.duration) + 100
        members = range(self.plan.floods, self.plan.floods + self.plan.members)
        authors = iter(self.rng.choices(members, [1 / (rank + 1) ** ZIPF for rank in range(len(members))], k=number))
        while (at := at + self.rng.expovariate(rate)) < self.plan.duration:
            self._at(at, partial(self._request, author=next(authors), count=self.rng.choice(COUNTS)))
        for flood in range(self.plan.floods):
            self._at(0.0, partial(self._request, author=flood, count=self.plan.most_pending))

    def _at(self, when: float, happens: Callable[[float], None]) -> None:
        self.count += 1
        heapq.heappush(self.events, (when, self.count, happens))

    def _request(self, now: float, *, author: int, count: int) -> None:
        if self.pending[author] + count > self.plan.most_pending:
            self.seen.refused += 1
            return
        checkpoint = min(int(self.rng.expovariate(1.0)), self.plan.checkpoints - 1)
        size, at = self.rng.choice(SIZES), EPOCH + timedelta(seconds=now)
        cost, key = size[0] * size[1] * STEPS * PASSES, f"{checkpoint}/{size[0]}x{size[1]}"
        if not self.pending[author]:
            self.firsts.add(self.count + 1)
        for _picture in range(count):
            self.count += 1
            self.pool.add(Candidate(self.count, author, key, checkpoint, cost, at, size))
        self.pending[author] += count
        self.seen.longest = max(self.seen.longest, self.pool.waiting)

    def _claim(self, now: float, worker: _Worker) -> None:
        """One worker at a time chooses; then it draws."""
        start = max(now, self.lock_free)
        self.seen.locked.append(start - now)
        began = time.perf_counter()
        batch = self.pool.claim(worker.known(start))
        self.seen.chose.append(time.perf_counter() - began)
        self.lock_free = start + self.plan.claim
        for each in batch:
            self._count_wait(each, start)
        drawing = sum(each.cost for each in batch) / UNIT_COST * self.plan.picture
        loading = self._load(worker, batch[0].checkpoint, start)
        self.seen.batches += 1
        self.seen.busy += min(drawing, max(0.0, self.plan.duration - self.lock_free - loading))
        self._at(self.lock_free + loading + drawing, partial(self._finish, worker=worker, batch=batch))

    def _count_wait(self, image: Candidate, start: float) -> None:
        wait = start - (image.queued_at - EPOCH).total_seconds()
        self.seen.served[image.author] += image.cost
        if image.author < self.plan.floods:
            self.seen.flood_waits.append(wait)
        elif image.id in self.firsts:
            self.seen.first_waits.append(wait)
        else:
            self.seen.waits.append(wait)

    def _load(self, worker: _Worker, checkpoint: int, now: float) -> float:
        if checkpoint != worker.warm or now > worker.warm_until:
            worker.warm, worker.warm_until = checkpoint, now + WARM_SECONDS
        is_loaded = checkpoint in worker.kept
        worker.kept = [*(each for each in worker.kept if each != checkpoint), checkpoint][-self.plan.kept :]
        self.seen.loads += not is_loaded
        return 0.0 if is_loaded else self.plan.loading

    def _finish(self, now: float, *, worker: _Worker, batch: Sequence[Candidate]) -> None:
        self.idle.append(worker)
        for each in batch:
            self.pending[each.author] -= 1
            if each.author < self.plan.floods:
                self._request(now, author=each.author, count=1)


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[int(share * (len(ordered) - 1))] if ordered else 0.0
