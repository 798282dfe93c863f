"""Frozen rows as Arrow: packed into a block of the plan, and taken out of one again."""

from collections.abc import Collection, Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ratings.releases.formats.columns import IMAGE_0, IMAGE_1, IMAGES, RATER, RATERS, SIZE

_OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4")


def pack(table: pa.Table) -> bytes:
    """Arrow's own stream format, compressed; the same table gives the same bytes."""
    table = _compact(table)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=_OPTIONS) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def _compact(table: pa.Table) -> pa.Table:
    """Dictionaries hold what the rows say and nothing that only other rows said: those may have been erased."""
    for place, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            said = table[field.name].cast(field.type.value_type).combine_chunks()
            table = table.set_column(place, field.name, said.dictionary_encode())
    return table


def unpack(content: bytes | memoryview) -> pa.Table:
    with pa.ipc.open_stream(pa.py_buffer(content)) as reader:
        return reader.read_all()


def _ids(table: pa.Table, single: Iterable[str], several: str) -> list[int]:
    columns = [table[name] for name in single if name in table.column_names]
    if several in table.column_names:
        columns.append(pc.list_flatten(table[several]))
    found = [pc.unique(column.drop_null()).to_numpy() for column in columns]
    ids: list[int] = np.unique(np.concatenate(found)).tolist() if found else []
    return ids


def raters(table: pa.Table) -> list[int]:
    """Distinct ids of the members whose answers the rows stand on."""
    return _ids(table, (RATER,), RATERS)


def images(table: pa.Table) -> list[int]:
    """Distinct ids of the pictures that the rows stand on."""
    return _ids(table, (IMAGE_0, IMAGE_1), IMAGES)


def size(table: pa.Table) -> int:
    """Bytes of the pictures that the rows will carry."""
    return int(pc.sum(table[SIZE]).as_py() or 0) if SIZE in table.column_names else 0


def touches(table: pa.Table, members: Collection[int], pictures: Collection[int]) -> pa.Array:
    """A mask of the rows that stand on any of the members or pictures."""
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


def picture_ids(table: pa.Table, shown: int) -> list[list[int]]:
    """The ids of the first `shown` pictures of each row."""
    return [ids[:shown] for ids in table[IMAGES].to_pylist()]
