"""Files that are sent: whole, in part, not again, and many in one zip."""

import io
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.files.base import ContentFile, File
from django.http import HttpResponseBase
from django.test import RequestFactory

from lib.http import download, off_thread, serve_file, zip_files

CONTENT = bytes(range(256)) * 1000
ETAG = '"of-these-bytes"'


def served(open_file: Callable[[], File[bytes]] = lambda: ContentFile(CONTENT), **headers: str) -> HttpResponseBase:
    request = RequestFactory().get("/", headers={name.replace("_", "-"): value for name, value in headers.items()})
    return serve_file(request, open_file=open_file, etag=ETAG, content_type="image/png", headers={"X-More": "1"})


def body_of(response: Any) -> bytes:
    async def read() -> bytes:
        return b"".join([chunk async for chunk in response])

    return async_to_sync(read)()


def never() -> File[bytes]:
    raise AssertionError("the file was opened")


def test_the_whole_file_has_its_length_and_its_tag() -> None:
    response = served()
    assert (response.status_code, response["Content-Length"], response["ETag"]) == (200, str(len(CONTENT)), ETAG)
    assert (response["Content-Type"], response["Accept-Ranges"], response["X-More"]) == ("image/png", "bytes", "1")
    assert body_of(response) == CONTENT


def test_who_has_it_gets_304_and_the_file_stays_closed() -> None:
    response = served(never, if_none_match=ETAG)
    assert (response.status_code, response["ETag"]) == (304, ETAG)


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [("bytes=0-9", 0, 10), ("bytes=255990-", 255_990, 256_000), ("bytes=-7", 255_993, 256_000),
     ("bytes=100000-199999", 100_000, 200_000), ("bytes=5-999999999", 5, 256_000)],
)  # fmt: skip
def test_one_range_comes_alone(asked: str, start: int, end: int) -> None:
    response = served(Range=asked)
    assert (response.status_code, response["Content-Length"]) == (206, str(end - start))
    assert response["Content-Range"] == f"bytes {start}-{end - 1}/{len(CONTENT)}"
    assert body_of(response) == CONTENT[start:end]


def test_a_range_reads_its_own_bytes_and_closes_the_file() -> None:
    read: list[int] = []

    class Counting(ContentFile[bytes]):
        def read(self, size: int = -1) -> bytes:
            content: bytes = super().read(size)
            read.append(len(content))
            return content

        def close(self) -> None:
            read.append(0)

    body_of(served(lambda: Counting(CONTENT), Range="bytes=1000-1099"))
    assert sum(read) == 100
    assert read[-1] == 0  # closed


def test_a_range_beyond_the_end_is_416() -> None:
    response = served(Range="bytes=256000-")
    assert (response.status_code, response["Content-Range"]) == (416, "bytes */256000")


@pytest.mark.parametrize("asked", ["bytes=-", "bytes=0-1,5-9", "lines=1-2", "bytes=x-2"])
def test_what_is_not_one_range_gets_the_whole_file(asked: str) -> None:
    assert served(Range=asked).status_code == 200


def test_a_range_of_other_bytes_gets_the_whole_file() -> None:
    assert served(Range="bytes=0-9", if_range='"older"').status_code == 200
    assert served(Range="bytes=0-9", if_range=ETAG).status_code == 206


def gone() -> bytes:
    raise FileNotFoundError


def test_a_zip_reads_each_file_when_its_turn_comes_and_leaves_out_what_is_gone() -> None:
    opened: list[str] = []

    def read() -> Iterator[bytes]:
        opened.append("second")
        yield b"in "
        yield b"parts"

    chunks = zip_files([("ä/first.txt", lambda: b"first"), ("gone.txt", gone), ("second.txt", read)])
    begun = next(chunks)
    assert not opened
    archive = zipfile.ZipFile(io.BytesIO(begun + b"".join(chunks)))
    assert archive.testzip() is None
    assert {name: archive.read(name) for name in archive.namelist()} == {
        "ä/first.txt": b"first",
        "second.txt": b"in parts",
    }


def test_a_download_is_kept_by_nobody_and_named_safely() -> None:
    response = download('a"b.zip', iter([b"x"]))
    assert response["Content-Disposition"] == 'attachment; filename="a\\"b.zip"'
    assert (response["Cache-Control"], response["X-Content-Type-Options"]) == ("private, no-store", "nosniff")
    assert body_of(response) == b"x"


def test_chunks_are_read_one_at_a_time() -> None:
    produced: list[int] = []

    def produce() -> Iterator[bytes]:
        for number in range(3):
            produced.append(number)
            yield b"x"

    async def first() -> None:
        async for _chunk in off_thread(produce()):
            break

    async_to_sync(first)()
    assert produced == [0]
