"""Builds releases into folders and reads their files back."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from ratings.models import Release
from ratings.releases import building
from ratings.releases import services as releases_services
from ratings.releases.engine.eligibility import ReleaseFilter

KINDS = ("pairs", "votes", "ratings", "asks")


def build(folder: Path | None, kinds: tuple[str, ...] = KINDS, **chosen: Any) -> Release:
    """Plans and builds a release; without a folder into the releases store."""
    release = releases_services.plan_release(filter=ReleaseFilter(**chosen), kinds=kinds, destination=folder)
    return building.build_release(release=release)


def rows(folder: Path, kind: str, split: str) -> list[dict[str, Any]]:
    found = [pq.read_table(file).to_pylist() for file in sorted(folder.glob(f"{kind}/{split}-*.parquet"))]
    return [row for part in found for row in part]


def every_row(folder: Path, kind: str) -> list[dict[str, Any]]:
    return [row for file in sorted(folder.glob(f"{kind}/*.parquet")) for row in pq.read_table(file).to_pylist()]


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def readable_bytes(folder: Path) -> dict[str, bytes]:
    """{name: the file's bytes followed by its unpacked rows}, to search for what must not be there.

    Columns are compressed: what is looked for would not be found in the bytes of the file.
    """
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() + _unpacked(path) for name, path in found.items()}


def _unpacked(path: Path) -> bytes:
    if path.suffix != ".parquet":
        return b""
    table = pq.read_table(path).to_pylist()
    pictures = [value for row in table for value in row.values() if isinstance(value, bytes)]
    text = json.dumps(table, default=lambda value: None if isinstance(value, bytes) else str(value), ensure_ascii=False)
    return text.encode() + b"".join(pictures)
