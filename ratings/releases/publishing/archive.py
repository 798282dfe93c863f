"""A release as one zip file, streamed: nothing is stored twice, and no more than a chunk is in memory."""

import zipfile
from collections.abc import Iterable, Iterator
from typing import IO

from lib.streaming import EPOCH, Sink, off_thread
from ratings.releases.publishing.destinations import Destination

__all__ = ["off_thread", "read", "zipped"]

CHUNK = 1 << 20


def zipped(folder: str, names: Iterable[str], destination: Destination) -> Iterator[bytes]:
    """The files under ``folder/`` in the archive, not compressed again: Parquet is already."""
    sink = Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for name in names:
            info = zipfile.ZipInfo(f"{folder}/{name}", date_time=EPOCH)
            with destination.open(name) as source, archive.open(info, "w", force_zip64=True) as member:
                for chunk in read(source):
                    member.write(chunk)
                    yield sink.take()
    yield sink.take()


def read(source: IO[bytes]) -> Iterator[bytes]:
    while chunk := source.read(CHUNK):
        yield chunk
