"""Prefetching of query results, and list columns sent as text."""

import threading
from functools import partial

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratings.releases.engine import arrow_fetch, sql


def test_one_call_is_made_ahead_and_no_more() -> None:
    made: list[int] = []
    done = [threading.Event() for _ in range(5)]

    def make(number: int) -> int:
        made.append(number)
        done[number].set()
        return number

    for number in arrow_fetch.prefetch(partial(make, number) for number in range(5)):
        if number < 4:
            assert done[number + 1].wait(10), "the next one is made while this one is used"
        assert made == list(range(min(number + 2, 5)))


def test_what_a_call_raises_is_raised_in_its_turn() -> None:
    calls = arrow_fetch.prefetch(partial(divmod, 6, number) for number in (3, 2, 0, 1))
    assert [next(calls), next(calls)] == [(2, 0), (3, 0)]
    with pytest.raises(ZeroDivisionError):
        next(calls)


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(-5, 5), max_size=4), max_size=8))
def test_lists_sent_as_text_are_parsed_back(rows: list[list[int]]) -> None:
    words = pa.array([" ".join(map(str, row)) for row in rows], pa.string())
    assert sql.parse_lists(words, pa.list_(pa.int64())).to_pylist() == rows
