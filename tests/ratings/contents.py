"""What the files of a release tell to whoever looks into them."""

import json
from pathlib import Path

import pyarrow.parquet as pq


def told(folder: Path) -> dict[str, bytes]:
    """{name: everything that a file of a release tells}: its bytes, and what a table says once it is unpacked.

    Columns are compressed: what is looked for would not be found in the bytes of the file.
    """
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() + _unpacked(path) for name, path in found.items()}


def _unpacked(path: Path) -> bytes:
    if path.suffix != ".parquet":
        return b""
    rows = pq.read_table(path).to_pylist()
    pictures = [value for row in rows for value in row.values() if isinstance(value, bytes)]
    words = json.dumps(rows, default=lambda value: None if isinstance(value, bytes) else str(value), ensure_ascii=False)
    return words.encode() + b"".join(pictures)
