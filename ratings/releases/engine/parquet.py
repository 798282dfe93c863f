"""Frozen rows to one file: the same rows give the same bytes, a row group in memory at a time."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from ratings.releases.engine.block_codec import picture_ids
from ratings.releases.engine.image_reader import Picture, Waiting
from ratings.releases.formats.columns import IMAGE, Format

FILES = "images"
# Columns, the ids of the pictures of each row, and these pictures.
_Begun = tuple[dict[str, pa.ChunkedArray], list[list[int]], Waiting]
PutFile = Callable[[str, bytes], None]  # a name below the release, and its bytes


class Pictures(Protocol):
    """The bytes of picture columns: told which ids a row group needs, and asked for them when it is written."""

    def begin(self, ids: Iterable[int]) -> Waiting: ...


@dataclass(frozen=True, slots=True)
class Written:
    rows: int
    size: int
    sha256: str


def file_name(sha256: str) -> str:
    """Where a picture lies that a row names instead of carrying it: the same for every format."""
    return f"{FILES}/{sha256[:2]}/{sha256}.jpg"


def write_shard(
    path: Path,
    form: Format,
    tables: Iterable[pa.Table],
    pictures: Pictures,
    beat: Callable[[], None],
    put_file: PutFile | None = None,
) -> Written:
    """Writes frozen rows to `path`, and the pictures they name by `put_file`; `beat` follows each row group.

    Raises ValueError when there is no row: a file of zero rows breaks the loading of every split.
    """
    groups = _groups(tables, form.row_group)
    first = next(groups, None)
    if first is None:
        raise ValueError(f"a shard of {form.kind} without rows is not written")
    write = _write_json if form.is_json else _write_parquet
    rows = write(path, form, _filled(form, _chain(first, groups), pictures, put_file), beat)
    return Written(rows, path.stat().st_size, file_sha256(path))


def _groups(tables: Iterable[pa.Table], size: int) -> Iterator[pa.Table]:
    """The same rows in tables of `size`, the last one shorter."""
    waiting: list[pa.Table] = []
    held = 0
    for table in tables:
        waiting.append(table)
        held += len(table)
        while held >= size:
            whole = pa.concat_tables(waiting)
            yield whole.slice(0, size)
            waiting, held = [whole.slice(size)], held - size
    if held:
        yield pa.concat_tables(waiting)


def _chain(first: pa.Table, rest: Iterator[pa.Table]) -> Iterator[pa.Table]:
    yield first
    yield from rest


def _filled(
    form: Format, groups: Iterator[pa.Table], pictures: Pictures, put_file: PutFile | None
) -> Iterator[pa.Table]:
    """The columns that leave, with the pictures in place."""
    for columns, ids, waiting in _one_ahead(_begun(form, groups, pictures)):
        found = waiting()
        if put_file is not None:
            for picture in found.values():
                put_file(file_name(picture.sha256), picture.content)
        for side, name in enumerate(form.pictures):
            columns[name] = _column(form.schema.field(name).type, [found[row[side]] for row in ids])
        yield pa.table([columns[name] for name in form.schema.names], schema=form.schema)


def _begun(form: Format, groups: Iterator[pa.Table], pictures: Pictures) -> Iterator[_Begun]:
    """Each group's columns, dictionaries no longer, with the ids of its pictures, which are being read."""
    fields = [field for field in form.schema if field.name not in form.late]
    for group in groups:
        columns = {field.name: _plain(group[field.name], field.type) for field in fields}
        ids = picture_ids(group, len(form.pictures) or 2) if form.carries_pictures else []
        yield columns, ids, pictures.begin(pk for row in ids for pk in row) if ids else dict


def _plain(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    return column if column.type == kind else column.cast(kind)


def _one_ahead(items: Iterator[_Begun]) -> Iterator[_Begun]:
    """The same items, of which the next has been made by the time one is used."""
    held = next(items)
    for item in items:
        yield held
        held = item
    yield held


def _column(kind: pa.DataType, shown: list[Picture]) -> pa.Array:
    content = pa.array([picture.content for picture in shown], pa.binary())
    if kind != IMAGE:
        return content
    names = pa.array([f"{picture.sha256}.jpg" for picture in shown])
    return pa.StructArray.from_arrays([content, names], fields=list(IMAGE))


def parquet_writer(path: Path, form: Format) -> pq.ParquetWriter:
    """The writer of a format's files; whoever rewrites one uses the same."""
    # JPEG does not compress, and a dictionary or minimum of pictures helps nobody.
    plain = [column.name for column in form.columns if column.name not in form.pictures]
    bulky = {f"{name}{part}" for name in form.pictures for part in ("", ".bytes")}
    compression = dict.fromkeys(plain, "zstd") | dict.fromkeys(bulky, "none")
    return pq.ParquetWriter(
        path, form.schema, version="2.6", compression=compression, use_dictionary=plain, write_statistics=plain
    )


def _write_parquet(path: Path, form: Format, groups: Iterator[pa.Table], beat: Callable[[], None]) -> int:
    rows = 0
    with parquet_writer(path, form) as writer:
        for group in groups:
            writer.write_table(group, row_group_size=form.row_group)
            rows += len(group)
            beat()
    return rows


def _write_json(path: Path, form: Format, groups: Iterator[pa.Table], beat: Callable[[], None]) -> int:
    rows = 0
    with path.open("w", encoding="utf-8") as stream:
        for group in groups:
            for row in group.to_pylist():
                stream.write("[\n" if not rows else ",\n")
                stream.write(json.dumps(row, ensure_ascii=False))
                rows += 1
            beat()
        stream.write("\n]\n")
    return rows


def file_sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
