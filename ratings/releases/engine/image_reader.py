"""The stored training JPEGs that rows show: their sizes, and their bytes, read ahead by threads and checked."""

import hashlib
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from generation.media.storage import reading_threads, training_jpeg_below, training_jpeg_size
from ratings.releases.engine.sql import rows
from ratings.releases.publishing.retry import patiently


class Picture(NamedTuple):
    sha256: str
    content: bytes


_Where = tuple[int, str, str, str]  # id, public id, prefix, SHA-256 of the training JPEG
Waiting = Callable[[], dict[int, Picture]]  # gives the pictures by their ids, once they are there


def training_size(prefix: str) -> int | None:
    """Bytes of the stored training JPEG below an image's prefix, or None where it is missing."""
    return patiently(lambda: training_jpeg_size(prefix))


class Stored:
    """Reads the pictures of a row group while the one before it is written; use in a `with`."""

    def __init__(self) -> None:
        self._threads = reading_threads()
        self._pool = ThreadPoolExecutor(self._threads)
        self._known: dict[int, _Where] = {}

    def __enter__(self) -> "Stored":
        return self

    def __exit__(self, *_reason: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def expect(self, ids: Collection[int]) -> None:
        """Looks up at once what many row groups will ask for; what was expected before is forgotten."""
        self._known = _looked_up(ids)

    def begin(self, ids: Iterable[int]) -> Waiting:
        """Begins to read the pictures of `ids`.

        Waiting for them raises FileNotFoundError, or DamagedPictureError if one is not what it was when it was made.
        """
        wanted = set(ids)
        if unexpected := wanted - self._known.keys():
            self._known |= _looked_up(unexpected)
        images = [self._known[pk] for pk in wanted if pk in self._known]
        parts = [self._pool.submit(_read, images[first :: self._threads]) for first in range(self._threads)]
        return lambda: {pk: picture for part in parts for pk, picture in part.result().items()}


def _looked_up(ids: Collection[int]) -> dict[int, _Where]:
    found = rows("SELECT id, public_id, prefix, jpeg_sha256 FROM generation_image WHERE id = ANY(%s)", [list(ids)])
    return {pk: (pk, name, prefix, sha256) for pk, name, prefix, sha256 in found}


def _read(images: Sequence[_Where]) -> dict[int, Picture]:
    return {pk: Picture(sha256, _checked(name, prefix, sha256)) for pk, name, prefix, sha256 in images}


def _checked(name: str, prefix: str, sha256: str) -> bytes:
    content = patiently(lambda: training_jpeg_below(prefix))
    if hashlib.sha256(content).hexdigest() != sha256:
        raise DamagedPictureError(name)
    return content


class DamagedPictureError(Exception):
    """A stored training copy is not what it was when it was made."""
