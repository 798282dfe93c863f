"""A release as one zip file, streamed: nothing is stored twice, and no more than a chunk is in memory."""

import io
import zipfile
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import IO

from asgiref.sync import sync_to_async

from ratings.datasets.destinations import Destination

CHUNK = 1 << 20
_EPOCH = (1980, 1, 1, 0, 0, 0)


class _Sink(io.RawIOBase):
    """What zipfile writes to; it cannot seek, so the archive is made to be read in order."""

    def __init__(self) -> None:
        self.waiting = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: "bytes | bytearray | memoryview") -> int:  # type: ignore[override]
        self.waiting += data
        return len(data)

    def take(self) -> bytes:
        taken = bytes(self.waiting)
        self.waiting.clear()
        return taken


def zipped(folder: str, names: Iterable[str], destination: Destination) -> Iterator[bytes]:
    """The files under ``folder/`` in the archive, not compressed again: Parquet is already."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for name in names:
            info = zipfile.ZipInfo(f"{folder}/{name}", date_time=_EPOCH)
            with destination.open(name) as source, archive.open(info, "w", force_zip64=True) as member:
                for chunk in read(source):
                    member.write(chunk)
                    yield sink.take()
    yield sink.take()


def read(source: IO[bytes]) -> Iterator[bytes]:
    while chunk := source.read(CHUNK):
        yield chunk


async def off_thread(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Reads a blocking iterator beside the event loop; given to it whole, a server would collect it in memory."""
    following = sync_to_async(lambda: next(chunks, None), thread_sensitive=False)
    while (chunk := await following()) is not None:
        if chunk:
            yield chunk
