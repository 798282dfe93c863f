"""Which examples each step takes, and their noise: the same for any number of processes, and after a resumption. Pure.

Everything random follows from the seed and the number of an example in the run, and from nothing before it.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_NOISE, _TIME = 1, 2  # what a number is drawn for


class Draw(NamedTuple):
    """An example that is trained on: its row, and its number in the run, from 0."""

    row: int
    number: int


class Batches:
    """`count` batches of `size` draws, each of rows of one bucket; what accelerate splits among the processes.

    `buckets` (N,) is the bucket of each row. A bucket's rows come in shuffled turns, and a bucket as often as it has
    rows. Every batch is full.
    """

    drop_last = False

    def __init__(self, buckets: NDArray[np.int64], *, size: int, count: int, seed: int) -> None:
        self.buckets = buckets
        self.batch_size = size
        self.count = count
        self.seed = seed

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[list[Draw]]:
        members = [np.flatnonzero(self.buckets == bucket) for bucket in np.unique(self.buckets)]
        streams = [_shuffled(rows, np.random.default_rng([self.seed, n])) for n, rows in enumerate(members)]
        shares = np.array([len(rows) for rows in members]) / len(self.buckets)
        due = np.zeros(len(members))
        for number in range(self.count):
            due += shares
            chosen = int(due.argmax())
            due[chosen] -= 1
            first = number * self.batch_size
            yield [Draw(next(streams[chosen]), first + position) for position in range(self.batch_size)]


def _shuffled(rows: NDArray[np.int64], rng: np.random.Generator) -> Iterator[int]:
    while True:
        yield from rng.permutation(rows).tolist()


def consecutive(buckets: Sequence[int] | NDArray[np.int64], rows: Sequence[int], size: int) -> Iterator[list[int]]:
    """`rows` in their order, in lists of up to `size` that hold rows of one bucket."""
    batch: list[int] = []
    for row in rows:
        if batch and (len(batch) == size or buckets[row] != buckets[batch[0]]):
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def noise(shape: Sequence[int], *key: int) -> NDArray[np.float32]:
    """Standard normal noise of `shape` that depends on `key` alone."""
    return np.random.default_rng([_NOISE, *key]).standard_normal(tuple(shape), dtype=np.float32)


def time_of(number: int, batch: int, seed: int) -> float:
    """A place in the schedule, 0 to 1, from one of `batch` equal parts of it, which lowers the variance of the loss."""
    return float((number % batch + np.random.default_rng([_TIME, seed, number]).random()) / batch)
