"""SQL that every plan shares: pseudonyms computed by PostgreSQL itself, key ranges, and rows streamed to Arrow."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from django.db import connection

from ratings.releases.engine import arrow_fetch
from ratings.releases.formats.columns import IMAGES, RATERS, Column, Part

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from psycopg import Connection

CHUNK = 5_000  # rows of a COPY that wait in memory
RANGE = 100_000  # ledger rows that are in memory at a time
_PRIVATE = {"_split": pa.string(), RATERS: pa.list_(pa.int64()), IMAGES: pa.list_(pa.int64())}  # others: integers


def digest(purpose: str, message: str) -> str:
    """SQL for the eight bytes of `identity.number`, under the key `purpose` of this table.

    `message` is SQL for its JSON text.
    """

    def pad(side: str) -> str:
        return f"(SELECT {side} FROM pg_temp.release_key WHERE purpose = '{purpose}')"  # noqa: S608 (names of ours)

    hashed = f"sha256({pad('outer_pad')} || sha256({pad('inner_pad')} || convert_to({message}, 'UTF8')))"
    return f"set_bit(substring({hashed} FROM 1 FOR 8), 7, 0)"  # the first bit, which would be the sign


def number(purpose: str, message: str) -> str:
    """SQL for `identity.number`."""
    return f"('0x' || {text(purpose, message)})::bigint"


def text(purpose: str, message: str) -> str:
    """SQL for `identity.Keys.text`: 16 hexadecimal digits."""
    return f"encode({digest(purpose, message)}, 'hex')"


def listed(*parts: str) -> str:
    """SQL for the JSON text of a list of integers, as `json.dumps` writes it."""
    return "'[' || " + " || ', ' || ".join(parts) + " || ']'"


def run(statement: str, params: Sequence[Any] = ()) -> int:
    """Executes a statement of ours; returns how many rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return int(cursor.rowcount)


def insert(target: str, found: "QuerySet[Any, Any]") -> None:
    """Fills a table of ours with what a query of the ORM finds."""
    statement, params = found.query.sql_with_params()
    run(f"INSERT INTO {target} {statement}", params)


def copy(target: str, found: Iterable[tuple[Any, ...]], types: Sequence[str] = ()) -> None:
    """Fills a table of ours, in binary form where the types of its columns are told.

    A chunk at a time: `found` may be read from the same connection, which a COPY occupies.
    """
    waiting, form = iter(found), " (FORMAT binary)" if types else ""
    while chunk := list(islice(waiting, CHUNK)):
        with connection.cursor() as cursor, cursor.copy(f"COPY {target} FROM STDIN{form}") as into:
            if types:
                into.set_types(types)
            for row in chunk:
                into.write_row(row)


def rows(statement: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return list(cursor.fetchall())


def each(statement: str) -> Iterator[list[tuple[Any, ...]]]:
    """The rows of a query that may find many, a chunk at a time. Use inside a transaction."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(statement)
        while found := cursor.fetchmany(CHUNK):
            yield found


def select(columns: Sequence[Column], **more: str) -> str:
    """The select list of a plan: its columns that have SQL, and some private ones."""
    named = {column.name: column.sql for column in columns if column.sql} | more
    return ", ".join(f'{sql} AS "{name}"' for name, sql in named.items())


def look_up() -> None:
    """From here to the end of the transaction a range of rows looks up what it joins, instead of reading all of it."""
    run("SET LOCAL random_page_cost = 1.1")


def ranges(source: str, size: int = RANGE, key: str = "id") -> Iterator[tuple[int, int]]:
    """(first, last) of the spans that cover the keys of a table of ours."""
    (least, most), *_ = rows(f"SELECT min({key}), max({key}) FROM {source}")  # noqa: S608 (a literal of ours)
    if least is not None:
        for first in range(least, most + 1, size):
            yield first, min(first + size - 1, most)


def stream(
    source: "Connection[Any]", query: str, params: Sequence[Any], columns: Sequence[Column], private: Sequence[str]
) -> pa.Table | None:
    """The rows of a query of bounded size, in the order of `_row`: `columns` and some private ones; None without rows.

    Lists come as text joined by spaces. Sorted here by the integer `_row`, which would cost PostgreSQL more.
    """
    types = {column.name: column.type for column in columns if column.sql}
    types |= {name: _PRIVATE.get(name, pa.int64()) for name in private}
    told = {name: pa.string() if pa.types.is_list(kind) else kind for name, kind in types.items()}
    table = arrow_fetch.columns(source, query, params, told)
    return _with_lists(arrow_fetch.in_order(table, "_row"), columns) if len(table) else None


def _with_lists(table: pa.Table, columns: Sequence[Column]) -> pa.Table:
    lists = {column.name: column.type for column in columns if pa.types.is_list(column.type)}
    for name, kind in {**lists, RATERS: _PRIVATE[RATERS], IMAGES: _PRIVATE[IMAGES]}.items():
        if name in table.column_names:
            column = split_words(table[name].combine_chunks(), kind)
            table = table.set_column(table.column_names.index(name), name, column)
    return table


def split_words(words: pa.StringArray, kind: pa.ListType) -> pa.ListArray:
    """["1 2", ""] to [[1, 2], []], a list column of `kind`."""
    found = pc.split_pattern(pc.coalesce(words, pa.scalar("")), " ")
    values = pc.list_flatten(found)
    filled = pc.not_equal(values, "")
    parents = pc.list_parent_indices(found).filter(filled).to_numpy()
    offsets = np.concatenate([[0], np.cumsum(np.bincount(parents, minlength=len(words)))])
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values.filter(filled).cast(kind.value_type))


def parts(table: pa.Table | None, splits: Sequence[str]) -> Iterator[Part]:
    """The rows of each split, without `_split` and what put them in order."""
    if table is None:
        return
    kept = [name for name in table.column_names if name not in {"_split", "_row"}]
    for split in splits:
        found = table.filter(pc.equal(table["_split"].cast(pa.string()), split)).select(kept)
        if len(found):
            yield split, found
