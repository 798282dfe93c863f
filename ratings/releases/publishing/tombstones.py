"""Removes deleted rows from somebody's copy of a release, by the tombstones of its point release; no database."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ratings.releases.engine.parquet import FILES, file_sha256, parquet_writer
from ratings.releases.formats.base import Format
from ratings.releases.formats.registry import FORMATS
from ratings.releases.publishing import card

TOMBSTONES = "tombstones.parquet"
TOMBSTONE_SCHEMA = pa.schema([("kind", pa.string()), ("key", pa.int64()), ("gone_on", pa.date32())])
CHECKSUMS = "SHA256SUMS"
FILE_COLUMNS = ("generations", "file_path", "path1", "path2")  # paths of picture files in the JSON of reward models


class CannotApplyError(Exception):
    """Tombstones cannot be applied; the message is one sentence for the user."""


@dataclass
class Removed:
    rows: int = 0
    files: int = 0
    pictures: int = 0


def read_keys(path: Path) -> dict[str, set[int]]:
    """{kind: keys of deleted rows} from a file of tombstones."""
    try:
        table = pq.read_table(path)
        kinds, keys = table["kind"].to_pylist(), table["key"].to_pylist()
    except (OSError, pa.ArrowInvalid, KeyError) as error:
        raise CannotApplyError(f"{path} is not a file of tombstones: {error}") from error
    found: dict[str, set[int]] = {}
    for kind, key in zip(kinds, keys, strict=True):
        found.setdefault(kind, set()).add(key)
    return found


def apply_tombstones(folder: Path, tombstones: Path) -> Removed:
    """Removes every row that `tombstones` name from the tables, listings and pictures under `folder`.

    Files are replaced whole; a file without rows is deleted. Idempotent. Raises CannotApplyError.
    """
    if not (folder / "manifest.json").is_file():
        raise CannotApplyError(f"{folder} is not a release: it has no manifest.json.")
    removed = Removed()
    for kind, keys in read_keys(tombstones).items():
        if kind not in FORMATS:
            raise CannotApplyError(f"{tombstones} names the table {kind!r}, which this version does not know.")
        for path in _files_of(folder, FORMATS[kind]):
            _remove_keys(path, FORMATS[kind], keys, removed)
    _update_listings(folder)
    removed.pictures = _delete_unused_pictures(folder)
    if removed.rows or removed.pictures:
        _update_metadata(folder)
    return removed


def _files_of(folder: Path, form: Format) -> list[Path]:
    pattern = "*.json" if form.is_json else "*.parquet"
    return sorted((folder / (form.folder or form.kind)).glob(pattern))


def _remove_keys(path: Path, form: Format, keys: set[int], removed: Removed) -> None:
    """Rewrites a file without the rows of `keys`, if it has any of them."""
    column = _keys_in(path, form)
    found = int(pc.sum(pc.is_in(column, value_set=pa.array(sorted(keys), pa.int64()))).as_py() or 0)
    if not found:
        return
    removed.rows += found
    removed.files += 1
    if found == len(column):
        path.unlink()
        return
    fresh = path.with_name(f".{path.name}.partial")
    try:
        if form.is_json:
            kept = [row for row in json.loads(path.read_text("utf-8")) if row[form.key] not in keys]
            body = ",\n".join(json.dumps(row, ensure_ascii=False) for row in kept)
            fresh.write_text(f"[\n{body}\n]\n", "utf-8")
        else:
            _rewrite(path, fresh, form, keys)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def _keys_in(path: Path, form: Format) -> pa.ChunkedArray:
    if form.is_json:
        return pa.chunked_array([[row[form.key] for row in json.loads(path.read_text("utf-8"))]], pa.int64())
    return pq.read_table(path, columns=[form.key])[form.key]


def _rewrite(path: Path, fresh: Path, form: Format, keys: set[int]) -> None:
    deleted = pa.array(sorted(keys), pa.int64())
    source = pq.ParquetFile(path)
    with parquet_writer(fresh, form) as writer:
        for group in range(source.num_row_groups):
            table = source.read_row_group(group)
            kept = table.filter(pc.invert(pc.is_in(table[form.key], value_set=deleted)))
            if len(kept):
                writer.write_table(kept, row_group_size=form.row_group)


def picture_names(kind: str, table: pa.Table) -> set[str]:
    """Hashes of the picture files that rows of a format name, by hash or by path (``ab/abcdef….jpg``)."""
    if kind == "kto":
        return set(table["image_sha256"].to_pylist())
    paths = [table[name] for name in FILE_COLUMNS if name in table.column_names]
    flat = (pc.list_flatten(column) if pa.types.is_list(column.type) else column for column in paths)
    return {path[3:-4] for column in flat for path in column.to_pylist()}


def _pictures_in_use(folder: Path) -> Iterator[str]:
    """Hashes of the pictures that rows name."""
    for kind, form in FORMATS.items():
        for path in _files_of(folder, form) if form.has_files else ():
            yield from picture_names(kind, _read_names(path, form))


def _read_names(path: Path, form: Format) -> pa.Table:
    if form.is_json:
        return pa.Table.from_pylist(json.loads(path.read_text("utf-8")), schema=form.schema)
    return pq.read_table(path, columns=["image_sha256"])


def _update_listings(folder: Path) -> None:
    """Removes from each ``kto/{split}/metadata.csv`` the pictures that its table no longer holds."""
    for path in sorted((folder / "kto").glob("*/metadata.csv")):
        present: set[str] = set()
        for table in (folder / "kto").glob(f"{path.parent.name}-*.parquet"):
            present.update(pq.read_table(table, columns=["image_sha256"])["image_sha256"].to_pylist())
        with path.open(encoding="utf-8", newline="") as stream:
            head, *rows = list(csv.reader(stream))
        kept = [row for row in rows if row[0].rpartition("/")[2].removesuffix(".jpg") in present]
        if len(kept) == len(rows):
            continue
        if not kept:
            path.unlink()
            continue
        with path.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream, lineterminator="\n").writerows([head, *kept])


def _delete_unused_pictures(folder: Path) -> int:
    """Deletes the pictures that no row names any more; returns how many."""
    in_use = set(_pictures_in_use(folder))
    unused = [path for path in (folder / FILES).rglob("*.jpg") if path.stem not in in_use]
    for path in unused:
        path.unlink()
    return len(unused)


def _update_metadata(folder: Path) -> None:
    """Updates manifest, the header of the card and SHA256SUMS to the files that are there now."""
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    manifest["files"] = {name: _facts(folder, name) for name in manifest["files"] if (folder / name).is_file()}
    manifest["rows"] = _rows(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", "utf-8")
    readme = folder / "README.md"
    readme.write_text(card.update_header(readme.read_text("utf-8"), manifest), "utf-8")
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != CHECKSUMS)
    lines = [f"{file_sha256(path)}  {path.relative_to(folder).as_posix()}\n" for path in files]
    (folder / CHECKSUMS).write_text("".join(lines), "utf-8")


def _facts(folder: Path, name: str) -> dict[str, Any]:
    path = folder / name
    return {"sha256": file_sha256(path), "rows": _count(path), "bytes": path.stat().st_size}


def _count(path: Path) -> int:
    if path.suffix == ".parquet":
        return int(pq.read_metadata(path).num_rows)
    if path.suffix == ".json":
        return len(json.loads(path.read_text("utf-8")))
    with path.open(encoding="utf-8", newline="") as stream:
        return sum(1 for _line in csv.reader(stream)) - 1


def _rows(manifest: dict[str, Any]) -> dict[str, dict[str, int]]:
    """Rows by kind and split, summed over the files in the manifest."""
    found: dict[str, dict[str, int]] = {}
    for kind, splits in manifest["rows"].items():
        form = FORMATS[kind]
        for split in splits:
            prefix = form.shard_name(split, 0, 1) if form.is_json else f"{form.kind}/{split}-"
            rows = sum(file["rows"] for name, file in manifest["files"].items() if name.startswith(prefix))
            if rows:
                found.setdefault(kind, {})[split] = rows
    return found
