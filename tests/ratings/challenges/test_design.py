"""Which pair a judge sees next."""

import random
from collections import Counter

import numpy as np

from ratings.challenges.design import LEAST_APPEARANCES, Field, Pair, draw_pair


def field(theta: list[float], appearances: list[float] | None = None, alike: list[int] | None = None) -> Field:
    size = len(theta)
    return Field(
        ids=np.arange(size) + 100,
        alike=np.array(alike if alike is not None else range(size)),
        theta=np.array(theta, float),
        variance=np.full(size, 0.2),
        appearances=np.array(appearances if appearances is not None else [50.0] * size),
    )


def draws(of: Field, times: int = 4000, seen: frozenset[tuple[int, int]] = frozenset()) -> list[Pair]:
    rng = random.Random(1)
    return [pair for _ in range(times) if (pair := draw_pair(of, seen=seen, rng=rng))]


def test_the_recorded_probability_is_how_often_a_pair_is_drawn_and_never_0() -> None:
    found = draws(field([1.0, 0.5, 0.0, -2.0]), 20_000)
    counts = Counter((pair.low, pair.high) for pair in found)
    stated = {(pair.low, pair.high): pair.p_pair for pair in found}
    assert len(stated) == 6
    assert abs(sum(stated.values()) - 1) < 1e-9
    for pair, p_pair in stated.items():
        assert abs(counts[pair] / len(found) - p_pair) < 0.015


def test_entries_without_enough_votes_come_first() -> None:
    short = field([3.0, 2.0, 1.0, 0.0, -1.0, -2.0], [50, 50, 50, 50, 50, LEAST_APPEARANCES - 5])
    shown = Counter(pk for pair in draws(short) for pk in (pair.low, pair.high))
    assert max(shown, key=lambda pk: shown[pk]) == 105
    assert shown[105] > 0.9 * 4000


def test_then_the_uncertain_near_the_top_are_compared_with_their_equals() -> None:
    pairs = Counter((pair.low, pair.high) for pair in draws(field([2.0, 1.8, 1.7, 1.6, -2.0, -2.2])))
    assert pairs[(102, 103)] > 5 * pairs[(104, 105)]
    assert pairs[(102, 103)] > 5 * pairs[(102, 105)]


def test_a_pair_that_was_seen_never_comes_again_and_at_the_end_there_is_none() -> None:
    seen: set[tuple[int, int]] = set()
    of, rng = field([0.0, 0.0, 0.0, 0.0]), random.Random(2)
    while pair := draw_pair(of, seen=seen, rng=rng):
        assert (pair.low, pair.high) not in seen
        seen.add((pair.low, pair.high))
    assert len(seen) == 6


def test_entries_that_show_the_same_are_never_paired() -> None:
    assert draws(field([0.0, 0.0], alike=[0, 0]), 1) == []
    assert {(pair.low, pair.high) for pair in draws(field([0.0] * 3, alike=[0, 0, 1]), 200)} == {(100, 102), (101, 102)}


def test_one_entry_or_none_makes_no_pair() -> None:
    assert draws(field([0.0]), 1) == draws(field([]), 1) == []
