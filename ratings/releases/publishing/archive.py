"""A release as one zip file, written while it is sent: nothing is stored twice, one chunk is in memory."""

import io
import zipfile
from collections.abc import Iterable, Iterator

from ratings.releases.publishing.destinations import Destination

CHUNK = 1 << 20
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time in a zip file


class _Buffer(io.RawIOBase):
    """Collects what zipfile writes until it is sent; it cannot seek, so the archive is written in order."""

    def __init__(self) -> None:
        self._content = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: "bytes | bytearray | memoryview") -> int:  # type: ignore[override]
        self._content += data
        return len(data)

    def take(self) -> bytes:
        content = bytes(self._content)
        self._content.clear()
        return content


def zip_release(folder: str, names: Iterable[str], destination: Destination) -> Iterator[bytes]:
    """The files under ``folder/`` in one archive, not compressed again, as Parquet and JPEG are.

    Every member has the same date, so that a release always makes the same archive: `zipstream-ng`, which other
    downloads use, dates members of a stream by the clock.
    """
    buffer = _Buffer()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in names:
            info = zipfile.ZipInfo(f"{folder}/{name}", date_time=EPOCH)
            with destination.open(name) as source, archive.open(info, "w", force_zip64=True) as member:
                while chunk := source.read(CHUNK):
                    member.write(chunk)
                    yield buffer.take()
    yield buffer.take()
