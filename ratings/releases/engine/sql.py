"""SQL that every plan shares: pseudonyms computed by PostgreSQL, key ranges, and rows fetched as Arrow tables."""

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

CHUNK = 5_000  # rows of a COPY that are in memory at a time
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


def json_list(*parts: str) -> str:
    """SQL for the JSON text of a list of integers, as `json.dumps` writes it."""
    return "'[' || " + " || ', ' || ".join(parts) + " || ']'"


def execute(statement: str, params: Sequence[Any] = ()) -> int:
    """Executes a statement; returns how many rows it affected."""
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return int(cursor.rowcount)


def insert_from(target: str, found: "QuerySet[Any, Any]") -> None:
    """Fills a table with the rows of an ORM query."""
    statement, params = found.query.sql_with_params()
    execute(f"INSERT INTO {target} {statement}", params)


def copy_rows(target: str, rows: Iterable[tuple[Any, ...]], types: Sequence[str] = ()) -> None:
    """Fills a table by COPY, in binary form where the types of its columns are given.

    A chunk at a time: `rows` may come from the same connection, which a COPY occupies.
    """
    remaining, form = iter(rows), " (FORMAT binary)" if types else ""
    while chunk := list(islice(remaining, CHUNK)):
        with connection.cursor() as cursor, cursor.copy(f"COPY {target} FROM STDIN{form}") as into:
            if types:
                into.set_types(types)
            for row in chunk:
                into.write_row(row)


def fetch_all(statement: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return list(cursor.fetchall())


def fetch_chunks(statement: str) -> Iterator[list[tuple[Any, ...]]]:
    """The rows of a query with many rows, a chunk at a time. Use inside a transaction."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(statement)
        while found := cursor.fetchmany(CHUNK):
            yield found


def select_list(columns: Sequence[Column], **more: str) -> str:
    """The select list of a plan: the columns that have SQL, and further ones by name."""
    named = {column.name: column.sql for column in columns if column.sql} | more
    return ", ".join(f'{sql} AS "{name}"' for name, sql in named.items())


def prefer_index_scans() -> None:
    """Until the transaction ends, joins of a range of rows use indexes instead of scanning whole tables."""
    execute("SET LOCAL random_page_cost = 1.1")


def key_ranges(source: str, size: int = RANGE, key: str = "id") -> Iterator[tuple[int, int]]:
    """(first, last) of consecutive ranges that cover the keys of a table."""
    (lowest, highest), *_ = fetch_all(f"SELECT min({key}), max({key}) FROM {source}")  # noqa: S608 (a literal of ours)
    if lowest is not None:
        for first in range(lowest, highest + 1, size):
            yield first, min(first + size - 1, highest)


def fetch_rows(
    source: "Connection[Any]", query: str, params: Sequence[Any], columns: Sequence[Column], private: Sequence[str]
) -> pa.Table | None:
    """The rows of a query of bounded size: `columns` and some private ones; None without rows.

    List columns arrive as text joined by spaces. Rows are sorted here by the integer `_row`; PostgreSQL takes longer.
    """
    types = {column.name: column.type for column in columns if column.sql}
    types |= {name: _PRIVATE.get(name, pa.int64()) for name in private}
    sent = {name: pa.string() if pa.types.is_list(kind) else kind for name, kind in types.items()}
    table = arrow_fetch.fetch_table(source, query, params, sent)
    return _with_lists(arrow_fetch.sort_by(table, "_row"), columns) if len(table) else None


def _with_lists(table: pa.Table, columns: Sequence[Column]) -> pa.Table:
    lists = {column.name: column.type for column in columns if pa.types.is_list(column.type)}
    for name, kind in {**lists, RATERS: _PRIVATE[RATERS], IMAGES: _PRIVATE[IMAGES]}.items():
        if name in table.column_names:
            column = parse_lists(table[name].combine_chunks(), kind)
            table = table.set_column(table.column_names.index(name), name, column)
    return table


def parse_lists(texts: pa.StringArray, kind: pa.ListType) -> pa.ListArray:
    """["1 2", ""] becomes [[1, 2], []], a list column of `kind`."""
    split = pc.split_pattern(pc.coalesce(texts, pa.scalar("")), " ")
    values = pc.list_flatten(split)
    filled = pc.not_equal(values, "")
    parents = pc.list_parent_indices(split).filter(filled).to_numpy()
    offsets = np.concatenate([[0], np.cumsum(np.bincount(parents, minlength=len(texts)))])
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values.filter(filled).cast(kind.value_type))


def split_parts(table: pa.Table | None, splits: Sequence[str]) -> Iterator[Part]:
    """The rows of each split, without the columns `_split` and `_row`."""
    if table is None:
        return
    kept = [name for name in table.column_names if name not in {"_split", "_row"}]
    for split in splits:
        found = table.filter(pc.equal(table["_split"].cast(pa.string()), split)).select(kept)
        if len(found):
            yield split, found
