"""Answers that are written while they are sent: no more than a chunk is ever in memory."""

import io
import zipfile
from collections.abc import AsyncIterator, Callable, Iterable, Iterator

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse

ZIP = "application/zip"
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip file knows: the same files make the same archive


class Sink(io.RawIOBase):
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


def zipped_files(files: Iterable[tuple[str, Callable[[], bytes]]]) -> Iterator[bytes]:
    """One zip of files by name, each read when its turn comes and not compressed again: pictures are already.

    A file that is gone when its turn comes (FileNotFoundError) is left out.
    """
    sink = Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for name, read in files:
            try:
                content = read()
            except FileNotFoundError:
                continue
            archive.writestr(zipfile.ZipInfo(name, date_time=EPOCH), content)
            yield sink.take()
    yield sink.take()


def download(name: str, chunks: Iterator[bytes], *, content_type: str = ZIP) -> StreamingHttpResponse:
    """A file of somebody's own, or for the holder of a link: kept by no cache, and run by no browser."""
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
    }
    return StreamingHttpResponse(off_thread(chunks), content_type=content_type, headers=headers)


async def off_thread(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Reads a blocking iterator beside the event loop; given to it whole, a server would collect it in memory."""
    following = sync_to_async(lambda: next(chunks, None), thread_sensitive=False)
    while (chunk := await following()) is not None:
        if chunk:
            yield chunk
