"""SQL that every plan shares: pseudonyms computed by PostgreSQL itself, key ranges, and rows streamed to Arrow."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from django.db import connection

from ratings.datasets import transfer
from ratings.datasets.columns import IMAGES, RATERS, Column, Part

RANGE = 100_000  # ledger rows that are in memory at a time
_PRIVATE = {"_split": pa.string(), RATERS: pa.list_(pa.int64()), IMAGES: pa.list_(pa.int64())}  # others: integers
_BLOCK = 64  # bytes: the block of SHA-256, which HMAC pads its key to


def pads(key: bytes) -> tuple[bytes, bytes]:
    """The inner and outer pads of HMAC-SHA-256 (RFC 2104) for a key of at most 64 bytes."""
    padded = key.ljust(_BLOCK, b"\0")
    return bytes(byte ^ 0x36 for byte in padded), bytes(byte ^ 0x5C for byte in padded)


def number(purpose: str, message: str) -> str:
    """SQL for `identity.number` under the key `purpose` of this release; `message` is SQL for its JSON text."""

    def pad(side: str) -> str:
        return f"(SELECT {side} FROM pg_temp.release_key WHERE purpose = '{purpose}')"  # noqa: S608 (names of ours)

    digest = f"sha256({pad('outer_pad')} || sha256({pad('inner_pad')} || convert_to({message}, 'UTF8')))"
    return f"(('x' || encode(substring({digest} FROM 1 FOR 8), 'hex'))::bit(64)::bigint & {(1 << 63) - 1})"


def text(purpose: str, message: str) -> str:
    """SQL for `identity.Keys.text`: 16 hexadecimal digits."""
    return f"lpad(to_hex({number(purpose, message)}), 16, '0')"


def listed(*parts: str) -> str:
    """SQL for the JSON text of a list of integers, as `json.dumps` writes it."""
    return "'[' || " + " || ', ' || ".join(parts) + " || ']'"


def run(statement: str, params: Sequence[Any] = ()) -> int:
    """Executes a statement of ours; returns how many rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return int(cursor.rowcount)


def rows(statement: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return list(cursor.fetchall())


def select(columns: Sequence[Column], **more: str) -> str:
    """The select list of a plan: its columns that have SQL, and some private ones."""
    named = {column.name: column.sql for column in columns if column.sql} | more
    return ", ".join(f'{sql} AS "{name}"' for name, sql in named.items())


def ranges(source: str, size: int = RANGE) -> Iterator[tuple[int, int]]:
    """(first, last) of the spans that cover the ids of a table of ours."""
    (least, most), *_ = rows(f"SELECT min(id), max(id) FROM {source}")  # noqa: S608 (a literal of ours)
    if least is not None:
        for first in range(least, most + 1, size):
            yield first, min(first + size - 1, most)


def stream(query: str, params: Sequence[Any], columns: Sequence[Column], private: Sequence[str]) -> pa.Table | None:
    """The rows of a query of bounded size, in the order of `_row`: `columns` and some private ones; None without rows.

    Lists come as text joined by spaces. Sorted here by the integer `_row`, which would cost PostgreSQL more.
    """
    types = {column.name: column.type for column in columns if column.sql}
    types |= {name: _PRIVATE.get(name, pa.int64()) for name in private}
    told = {name: pa.string() if pa.types.is_list(kind) else kind for name, kind in types.items()}
    table = transfer.columns(query, params, told)
    return _with_lists(transfer.in_order(table, "_row"), columns) if len(table) else None


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
        found = table.filter(pc.equal(table["_split"], split)).select(kept)
        if len(found):
            yield split, found
