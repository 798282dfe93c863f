"""Query results as whole columns: PostgreSQL aggregates a range of rows to a few bytes values, which Arrow takes over.

COPY would cost a call and a line of text for every row. Here PostgreSQL concatenates the values of a column in their
binary form (network byte order), and a range of rows becomes one row of such strings. A thread fetches the next range
while the current one is used, so PostgreSQL and Python each have a core.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from django.db import connection
from numpy.typing import NDArray

from ratings.releases.formats.columns import DAY

T = TypeVar("T")

# How PostgreSQL sends a value, and numpy's name for that. The least integer, NaN and '-infinity' stand for null.
_BINARY_FORMS: dict[pa.DataType, tuple[str, str]] = {
    pa.int8(): ("int2send(coalesce({}::int2, (-32768)::int2))", ">i2"),
    pa.int32(): ("int4send(coalesce({}::int4, (-2147483648)::int4))", ">i4"),
    pa.int64(): ("int8send(coalesce({}::int8, (-9223372036854775808)::int8))", ">i8"),
    pa.float32(): ("float4send(coalesce({}::float4, 'NaN'))", ">f4"),
    pa.float64(): ("float8send(coalesce({}::float8, 'NaN'))", ">f8"),
    pa.bool_(): ("int2send(coalesce({}::int::int2, (-32768)::int2))", ">i2"),
    DAY: ("date_send(coalesce({}, '-infinity'))", ">i4"),  # sent as the least integer
}
_EPOCH = np.datetime64("2000-01-01", "D")  # PostgreSQL counts days from here


def open_connection() -> "psycopg.Connection[Any]":
    """This thread's database connection with its transaction; another thread may query it in turn with this one."""
    connection.ensure_connection()
    raw: psycopg.Connection[Any] = connection.connection
    return raw


def prefetch(calls: Iterable[Callable[[], T]]) -> Iterator[T]:
    """What each call returns, in order; a thread makes the next call while one result is used."""
    with ThreadPoolExecutor(1) as thread:
        current = None
        for call in calls:
            following = thread.submit(call)
            if current is not None:
                yield current.result()
            current = following
        if current is not None:
            yield current.result()


def fetch_first_row(source: "psycopg.Connection[Any]", query: str, params: Sequence[Any]) -> tuple[Any, ...] | None:
    """The first row of a query in binary form, which Django's own cursors cannot take."""
    with psycopg.Cursor(source) as cursor:
        return cursor.execute(query.encode(), params, binary=True).fetchone()


def fetch_table(
    source: "psycopg.Connection[Any]", query: str, params: Sequence[Any], types: dict[str, pa.DataType]
) -> pa.Table:
    """The rows of a query of bounded size: its columns named in `types`, of integers, floats, bools, days and text.

    Values may be null. The least integer of a type, NaN and the day '-infinity' are read as null too.
    """
    aggregates = ", ".join(_aggregate(f'"{name}"', kind) for name, kind in types.items())
    # OFFSET 0 keeps the planner from copying an expression into every place that reads it.
    statement = f"SELECT count(*), {aggregates} FROM ({query} OFFSET 0) AS source"  # noqa: S608 (literals of ours)
    count, *values = fetch_first_row(source, statement, params) or (0,)
    parts: Iterator[bytes | None] = iter(values)
    columns = {name: _parse_column(kind, count, next(parts), next(parts)) for name, kind in types.items()}
    return pa.table(columns)


def _aggregate(name: str, kind: pa.DataType) -> str:
    """Two aggregates a column: its bytes, and the length of each text (-1: null)."""
    if pa.types.is_string(kind):
        text = f"convert_to(string_agg({name}, ''), 'UTF8')"
        return f"{text}, string_agg(int4send(coalesce(octet_length({name}), -1)), '')"
    return f"string_agg({_BINARY_FORMS[kind][0].format(name)}, ''), NULL"


def _parse_column(kind: pa.DataType, count: int, data: bytes | None, lengths: bytes | None) -> pa.Array:
    if not data and not lengths:
        return pa.nulls(count, kind)
    if lengths is not None:
        return _parse_texts(data or b"", np.frombuffer(lengths, ">i4").astype(np.int64))
    values = np.frombuffer(data or b"", _BINARY_FORMS[kind][1])
    native = values.astype(values.dtype.newbyteorder("="))
    is_float = pa.types.is_floating(kind)
    is_null: NDArray[np.bool_] = np.isnan(native) if is_float else native == np.iinfo(native.dtype).min
    if kind == DAY:
        native = (_EPOCH + np.where(is_null, 0, native).astype(np.int64)).astype("datetime64[ns]")
    elif not is_float:
        native = native.astype(kind.to_pandas_dtype())
    return pa.array(native, kind, mask=is_null if is_null.any() else None)


def _parse_texts(data: bytes, lengths: NDArray[np.int64]) -> pa.StringArray:
    is_null = lengths < 0
    offsets = np.concatenate([[0], np.cumsum(np.where(is_null, 0, lengths))]).astype(np.int32)
    valid = pa.py_buffer(np.packbits(~is_null, bitorder="little")) if is_null.any() else None
    return pa.StringArray.from_buffers(len(lengths), pa.py_buffer(offsets), pa.py_buffer(data), valid)


def sort_by(table: pa.Table, name: str) -> pa.Table:
    """Sorted by an integer column, untouched where it is in order already."""
    order = table[name].to_numpy()
    return table if (np.diff(order) > 0).all() else table.take(pc.sort_indices(table[name])).combine_chunks()
