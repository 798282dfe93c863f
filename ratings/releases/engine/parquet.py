"""Writes planned rows to a shard file: the same rows give the same bytes, with two row groups in memory at most."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from ratings.releases.engine.block_codec import shown_image_ids
from ratings.releases.engine.image_reader import PendingPictures, Picture
from ratings.releases.formats.base import Format
from ratings.releases.formats.columns import IMAGE

FILES = "images"
# The columns of a row group, the ids of the pictures of each row, and these pictures.
_RowGroup = tuple[dict[str, pa.ChunkedArray], list[list[int]], PendingPictures]
PutFile = Callable[[str, bytes], None]  # a name below the release, and its bytes


class Pictures(Protocol):
    """Where the bytes of picture columns come from."""

    def start_reading(self, ids: Iterable[int]) -> PendingPictures: ...


@dataclass(frozen=True, slots=True)
class ShardFile:
    rows: int
    size: int
    sha256: str


def file_name(sha256: str) -> str:
    """The path of a picture that rows name instead of carrying it, the same for every format."""
    return f"{FILES}/{sha256[:2]}/{sha256}.jpg"


def write_shard(
    path: Path,
    form: Format,
    tables: Iterable[pa.Table],
    pictures: Pictures,
    after_group: Callable[[], None],
    put_file: PutFile | None = None,
) -> ShardFile:
    """Writes planned rows to `path`.

    Args:
        after_group: called after each row group; may raise to stop.
        put_file: stores a picture file that rows name.

    Raises:
        ValueError: there is no row. A file of zero rows breaks the loading of every split.
    """
    groups = _regroup(tables, form.row_group)
    first = next(groups, None)
    if first is None:
        raise ValueError(f"a shard of {form.kind} without rows is not written")
    write = _write_json if form.is_json else _write_parquet
    rows = write(path, form, _with_pictures(form, chain([first], groups), pictures, put_file), after_group)
    return ShardFile(rows, path.stat().st_size, file_sha256(path))


def _regroup(tables: Iterable[pa.Table], size: int) -> Iterator[pa.Table]:
    """The same rows in tables of `size`, the last one shorter."""
    buffer: list[pa.Table] = []
    buffered = 0
    for table in tables:
        buffer.append(table)
        buffered += len(table)
        while buffered >= size:
            whole = pa.concat_tables(buffer)
            yield whole.slice(0, size)
            buffer, buffered = [whole.slice(size)], buffered - size
    if buffered:
        yield pa.concat_tables(buffer)


def _with_pictures(
    form: Format, groups: Iterator[pa.Table], pictures: Pictures, put_file: PutFile | None
) -> Iterator[pa.Table]:
    """The columns of the file, with the pictures filled in."""
    for columns, ids, pending in _one_ahead(_start_groups(form, groups, pictures)):
        found = pending()
        if put_file is not None:
            for picture in found.values():
                put_file(file_name(picture.sha256), picture.content)
        for side, name in enumerate(form.pictures):
            columns[name] = _picture_column(form.schema.field(name).type, [found[row[side]] for row in ids])
        yield pa.table([columns[name] for name in form.schema.names], schema=form.schema)


def _start_groups(form: Format, groups: Iterator[pa.Table], pictures: Pictures) -> Iterator[_RowGroup]:
    """Each group's columns, dictionaries decoded, with the ids of its pictures, which are being read."""
    fields = [field for field in form.schema if field.name not in form.pictures]
    for group in groups:
        columns = {field.name: _decode_dictionary(group[field.name], field.type) for field in fields}
        ids = shown_image_ids(group, len(form.pictures) or 2) if form.carries_pictures else []
        yield columns, ids, pictures.start_reading(pk for row in ids for pk in row) if ids else dict


def _decode_dictionary(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    return column if column.type == kind else column.cast(kind)


def _one_ahead(items: Iterator[_RowGroup]) -> Iterator[_RowGroup]:
    """The same items; the next one is started before the current one is used."""
    current = next(items)
    for following in items:
        yield current
        current = following
    yield current


def _picture_column(kind: pa.DataType, shown: list[Picture]) -> pa.Array:
    content = pa.array([picture.content for picture in shown], pa.binary())
    if kind != IMAGE:
        return content
    names = pa.array([f"{picture.sha256}.jpg" for picture in shown])
    return pa.StructArray.from_arrays([content, names], fields=list(IMAGE))


def parquet_writer(path: Path, form: Format) -> pq.ParquetWriter:
    """The writer of a format's files, also used to rewrite them."""
    # JPEG does not compress further, and dictionaries or minima of pictures are useless.
    plain = [column.name for column in form.columns if column.name not in form.pictures]
    bulky = {f"{name}{part}" for name in form.pictures for part in ("", ".bytes")}
    compression = dict.fromkeys(plain, "zstd") | dict.fromkeys(bulky, "none")
    return pq.ParquetWriter(
        path, form.schema, version="2.6", compression=compression, use_dictionary=plain, write_statistics=plain
    )


def _write_parquet(path: Path, form: Format, groups: Iterator[pa.Table], after_group: Callable[[], None]) -> int:
    rows = 0
    with parquet_writer(path, form) as writer:
        for group in groups:
            writer.write_table(group, row_group_size=form.row_group)
            rows += len(group)
            after_group()
    return rows


def _write_json(path: Path, form: Format, groups: Iterator[pa.Table], after_group: Callable[[], None]) -> int:
    rows = 0
    with path.open("w", encoding="utf-8") as stream:
        for group in groups:
            for row in group.to_pylist():
                stream.write("[\n" if not rows else ",\n")
                stream.write(json.dumps(row, ensure_ascii=False))
                rows += 1
            after_group()
        stream.write("\n]\n")
    return rows


def file_sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
