"""Planned rows as Arrow: encoded into a block of the plan, decoded again, and searched by what they depend on.

The format of the bytes is kept: a release that was planned by an earlier version must build.
"""

from collections.abc import Collection, Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ratings.releases.formats.columns import IMAGE_0, IMAGE_1, IMAGES, RATER, RATERS, SIZE

_OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4")


def encode(table: pa.Table) -> bytes:
    """Arrow's stream format, compressed; the same table gives the same bytes."""
    table = _compact_dictionaries(table)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=_OPTIONS) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def _compact_dictionaries(table: pa.Table) -> pa.Table:
    """Drops dictionary entries that no row uses: rows that used them may have been deleted."""
    for position, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            values = table[field.name].cast(field.type.value_type).combine_chunks()
            table = table.set_column(position, field.name, values.dictionary_encode())
    return table


def decode(content: bytes | memoryview) -> pa.Table:
    with pa.ipc.open_stream(pa.py_buffer(content)) as reader:
        return reader.read_all()


def _distinct_ids(table: pa.Table, single: Iterable[str], several: str) -> list[int]:
    columns = [table[name] for name in single if name in table.column_names]
    if several in table.column_names:
        columns.append(pc.list_flatten(table[several]))
    distinct = [pc.unique(column.drop_null()).to_numpy() for column in columns]
    ids: list[int] = np.unique(np.concatenate(distinct)).tolist() if distinct else []
    return ids


def rater_ids(table: pa.Table) -> list[int]:
    """Distinct ids of the members whose answers the rows depend on."""
    return _distinct_ids(table, (RATER,), RATERS)


def image_ids(table: pa.Table) -> list[int]:
    """Distinct ids of the pictures that the rows depend on."""
    return _distinct_ids(table, (IMAGE_0, IMAGE_1), IMAGES)


def picture_bytes(table: pa.Table) -> int:
    """Total size of the pictures that the rows will carry."""
    return int(pc.sum(table[SIZE]).as_py() or 0) if SIZE in table.column_names else 0


def depends_on(table: pa.Table, members: Collection[int], pictures: Collection[int]) -> pa.Array:
    """A mask of the rows that depend on any of the members or pictures (ids)."""
    mask = np.zeros(len(table), dtype=bool)
    for names, several, wanted in (((RATER,), RATERS, members), ((IMAGE_0, IMAGE_1), IMAGES, pictures)):
        ids = pa.array(sorted(wanted), pa.int64())
        for name in names:
            if name in table.column_names:
                mask |= pc.is_in(table[name], value_set=ids).to_numpy()
        if several in table.column_names:
            column = table[several].combine_chunks()
            hit = pc.is_in(pc.list_flatten(column), value_set=ids).to_numpy(zero_copy_only=False)
            mask[pc.list_parent_indices(column).to_numpy()[hit]] = True
    return pa.array(mask)


def shown_image_ids(table: pa.Table, count: int) -> list[list[int]]:
    """The ids of the first `count` pictures of each row."""
    return [ids[:count] for ids in table[IMAGES].to_pylist()]
