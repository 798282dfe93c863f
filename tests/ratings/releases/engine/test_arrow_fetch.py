"""Prefetching of query results, and list columns sent as text."""

import threading
from functools import partial
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratings.releases.engine import arrow_fetch, sql
from ratings.releases.formats.columns import DAY


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


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "sql_type", "value"),
    [
        (pa.int64(), "int8", 7),
        (pa.int32(), "int4", -7),
        (pa.bool_(), "bool", True),
        (pa.float64(), "float8", 0.25),
        (pa.float32(), "float4", 0.25),
        (pa.string(), "text", "é"),
        (DAY, "date", pd.Timestamp("2026-11-22")),
    ],
)
def test_values_of_every_type_and_nulls_between_them_arrive(kind: pa.DataType, sql_type: str, value: Any) -> None:
    query = f"SELECT unnest(%s::{sql_type}[]) AS found"
    for values in ([value, None, value], [None, None], [value]):
        table = arrow_fetch.fetch_table(arrow_fetch.open_connection(), query, [values], {"found": kind})
        assert table["found"].type == kind
        assert table["found"].to_pylist() == values


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(-5, 5), max_size=4), max_size=8))
def test_lists_sent_as_text_are_parsed_back(rows: list[list[int]]) -> None:
    words = pa.array([" ".join(map(str, row)) for row in rows], pa.string())
    assert sql.parse_lists(words, pa.list_(pa.int64())).to_pylist() == rows
