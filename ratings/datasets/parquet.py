"""Planned rows to one Parquet file: the same rows give the same bytes, a row group in memory at a time."""

import hashlib
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.json as pa_json
import pyarrow.parquet as pq

from ratings.datasets.columns import Format

INDEX = "__index_level_0__"
Line = tuple[int, bytes, list[int]]  # position in the split, the frozen values as JSON, ids of the pictures


class Pictures(Protocol):
    """The bytes of picture columns: told which ids a row group needs, then asked for each."""

    def load(self, ids: Iterable[int]) -> None: ...

    def __call__(self, pk: int) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Written:
    rows: int
    size: int
    sha256: str


def write_shard(
    path: Path, form: Format, lines: Iterable[Line], pictures: Pictures, beat: Callable[[], None]
) -> Written:
    """Writes `lines` to `path`; `beat` follows each row group.

    Raises ValueError when there is no line: a file of zero rows breaks the loading of every split.
    """
    groups = _groups(lines, form.row_group)
    first = next(groups, None)
    if first is None:
        raise ValueError(f"a shard of {form.kind} without rows is not written")
    rows = 0
    with _writer(path, form) as writer:
        for group in _chain(first, groups):
            writer.write_table(_table(form, group, pictures), row_group_size=form.row_group)
            rows += len(group)
            beat()
    return Written(rows, path.stat().st_size, file_sha256(path))


def _groups(lines: Iterable[Line], size: int) -> Iterator[list[Line]]:
    stream = iter(lines)
    while group := list(islice(stream, size)):
        yield group


def _chain(first: list[Line], rest: Iterator[list[Line]]) -> Iterator[list[Line]]:
    yield first
    yield from rest


def _writer(path: Path, form: Format) -> pq.ParquetWriter:
    # JPEG does not compress, and a dictionary or minimum of pictures helps nobody.
    plain = [column.name for column in form.columns if column.name not in form.pictures]
    compression = {column.name: "none" if column.name in form.pictures else "zstd" for column in form.columns}
    return pq.ParquetWriter(
        path, form.schema, version="2.6", compression=compression, use_dictionary=plain, write_statistics=plain
    )


def _table(form: Format, group: list[Line], pictures: Pictures) -> pa.Table:
    """Parses the frozen JSON with the format's schema, and puts position and pictures in."""
    late = {*form.pictures, INDEX}
    frozen = pa.schema([field for field in form.schema if field.name not in late])
    options = pa_json.ParseOptions(explicit_schema=frozen, unexpected_field_behavior="ignore")
    block = b"\n".join(values for _, values, _ in group)
    whole = pa_json.ReadOptions(block_size=max(len(block), 1) + 1, use_threads=False)
    table = pa_json.read_json(io.BytesIO(block), read_options=whole, parse_options=options)
    columns = {name: table.column(name) for name in frozen.names}
    if form.pictures:
        pictures.load(pk for _, _, images in group for pk in images)
    for side, name in enumerate(form.pictures):
        columns[name] = pa.array((pictures(images[side]) for _, _, images in group), pa.binary(), size=len(group))
    if INDEX in form.schema.names:
        columns[INDEX] = pa.array((position for position, _, _ in group), pa.int64(), size=len(group))
    return pa.table([columns[name] for name in form.schema.names], schema=form.schema)


def file_sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
