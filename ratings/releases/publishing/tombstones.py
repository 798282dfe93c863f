"""Bringing a downstream copy of a release up to date with the tombstones of its point release; needs no database."""

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
from ratings.releases.formats.columns import Format
from ratings.releases.formats.registry import FORMATS
from ratings.releases.publishing import card

NAME = "tombstones.parquet"
SUMS = "SHA256SUMS"


class CannotApplyError(Exception):
    """Tombstones cannot be applied; the message is one sentence for whoever asked."""


@dataclass
class Applied:
    rows: int = 0
    files: int = 0
    pictures: int = 0


def read_keys(path: Path) -> dict[str, set[int]]:
    """{kind: keys of rows that are gone} from a file of tombstones."""
    try:
        table = pq.read_table(path)
        kinds, keys = table["kind"].to_pylist(), table["key"].to_pylist()
    except (OSError, pa.ArrowInvalid, KeyError) as error:
        raise CannotApplyError(f"{path} holds no tombstones: {error}") from error
    found: dict[str, set[int]] = {}
    for kind, key in zip(kinds, keys, strict=True):
        found.setdefault(kind, set()).add(key)
    return found


def apply_tombstones(folder: Path, tombstones: Path) -> Applied:
    """Removes every row that `tombstones` name from the tables, listings and pictures under `folder`.

    Files are replaced whole; one that is left without a row goes. Applying the same tombstones again does nothing.
    Raises CannotApplyError.
    """
    if not (folder / "manifest.json").is_file():
        raise CannotApplyError(f"{folder} is no release: it has no manifest.json.")
    done = Applied()
    for kind, keys in read_keys(tombstones).items():
        if kind not in FORMATS:
            raise CannotApplyError(f"{tombstones} speaks of {kind!r}, which is no table that this version knows.")
        for path in _files_of(folder, FORMATS[kind]):
            _thin(path, FORMATS[kind], keys, done)
    _thin_listings(folder)
    done.pictures = _sweep_pictures(folder)
    if done.rows or done.pictures:
        _sum_again(folder)
    return done


def _files_of(folder: Path, form: Format) -> list[Path]:
    pattern = "*.json" if form.is_json else "*.parquet"
    return sorted((folder / (form.folder or form.kind)).glob(pattern))


def _thin(path: Path, form: Format, keys: set[int], done: Applied) -> None:
    """Rewrites a file without the rows of `keys`, if it has any of them."""
    column = _keys_in(path, form)
    gone = int(pc.sum(pc.is_in(column, value_set=pa.array(sorted(keys), pa.int64()))).as_py() or 0)
    if not gone:
        return
    done.rows += gone
    done.files += 1
    if gone == len(column):
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
    gone = pa.array(sorted(keys), pa.int64())
    source = pq.ParquetFile(path)
    with parquet_writer(fresh, form) as writer:
        for group in range(source.num_row_groups):
            table = source.read_row_group(group)
            kept = table.filter(pc.invert(pc.is_in(table[form.key], value_set=gone)))
            if len(kept):
                writer.write_table(kept, row_group_size=form.row_group)


def _named(folder: Path) -> Iterator[str]:
    """Hashes of the pictures that rows still name."""
    for kind in ("imagereward", "hpsv2"):
        for path in _files_of(folder, FORMATS[kind]):
            for row in json.loads(path.read_text("utf-8")):
                yield from (name[3:-4] for name in row["generations" if kind == "imagereward" else "file_path"])
    for path in _files_of(folder, FORMATS["kto"]):
        yield from pq.read_table(path, columns=["image_sha256"])["image_sha256"].to_pylist()


def _thin_listings(folder: Path) -> None:
    """Leaves in each ``kto/{split}/metadata.csv`` the pictures that the table beside it still holds."""
    for path in sorted((folder / "kto").glob("*/metadata.csv")):
        left: set[str] = set()
        for table in (folder / "kto").glob(f"{path.parent.name}-*.parquet"):
            left.update(pq.read_table(table, columns=["image_sha256"])["image_sha256"].to_pylist())
        with path.open(encoding="utf-8", newline="") as stream:
            head, *rows = list(csv.reader(stream))
        kept = [row for row in rows if row[0].rpartition("/")[2].removesuffix(".jpg") in left]
        if len(kept) == len(rows):
            continue
        if not kept:
            path.unlink()
            continue
        with path.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream, lineterminator="\n").writerows([head, *kept])


def _sweep_pictures(folder: Path) -> int:
    """Deletes the pictures that no row names any more; returns how many."""
    named = set(_named(folder))
    strays = [path for path in (folder / FILES).rglob("*.jpg") if path.stem not in named]
    for path in strays:
        path.unlink()
    return len(strays)


def _sum_again(folder: Path) -> None:
    """Writes manifest, the card's header and SHA256SUMS for what is there now."""
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    manifest["files"] = {name: _facts(folder, name) for name in manifest["files"] if (folder / name).is_file()}
    manifest["rows"] = _rows(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", "utf-8")
    readme = folder / "README.md"
    readme.write_text(card.refreshed(readme.read_text("utf-8"), manifest), "utf-8")
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != SUMS)
    lines = [f"{file_sha256(path)}  {path.relative_to(folder).as_posix()}\n" for path in files]
    (folder / SUMS).write_text("".join(lines), "utf-8")


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
    """Rows by kind and split, from the files that are left."""
    found: dict[str, dict[str, int]] = {}
    for kind, splits in manifest["rows"].items():
        form = FORMATS[kind]
        for split in splits:
            prefix = form.shard_name(split, 0, 1) if form.is_json else f"{form.kind}/{split}-"
            rows = sum(file["rows"] for name, file in manifest["files"].items() if name.startswith(prefix))
            if rows:
                found.setdefault(kind, {})[split] = rows
    return found
