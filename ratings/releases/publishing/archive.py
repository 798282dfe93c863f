"""A release as one zip file, streamed: nothing is stored twice, and no more than a chunk is in memory."""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import IO

from lib.http import off_thread, zip_files
from ratings.releases.publishing.destinations import Destination

__all__ = ["off_thread", "read", "zipped"]

CHUNK = 1 << 20


def zipped(folder: str, names: Iterable[str], destination: Destination) -> Iterator[bytes]:
    """The files under ``folder/`` in the archive."""
    return zip_files((f"{folder}/{name}", partial(_content, destination, name)) for name in names)


def _content(destination: Destination, name: str) -> Iterator[bytes]:
    return read(destination.open(name))


def read(source: IO[bytes]) -> Iterator[bytes]:
    """The rest of `source` in chunks; closes it."""
    with source:
        while chunk := source.read(CHUNK):
            yield chunk
