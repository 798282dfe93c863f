"""Reads the stored training JPEGs that rows show: ahead of their use, by several threads, checked by hash."""

import hashlib
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from generation.media.storage import reading_threads, training_jpeg_below, training_jpeg_size
from ratings.releases.engine.sql import fetch_all
from ratings.releases.retry import retry_unreachable_store


class Picture(NamedTuple):
    sha256: str
    content: bytes


class _Location(NamedTuple):
    """Where an image's training JPEG is stored, and its hash."""

    id: int
    public_id: str
    prefix: str
    sha256: str


PendingPictures = Callable[[], dict[int, Picture]]  # waits for the pictures, by image id


class DamagedPictureError(Exception):
    """A stored training copy is not what it was when it was made."""


@retry_unreachable_store
def training_size(prefix: str) -> int | None:
    """Bytes of the stored training JPEG below an image's prefix, or None where it is missing."""
    return training_jpeg_size(prefix)


class ImageReader:
    """Reads the pictures of a row group while the one before it is written; use in a `with`."""

    def __init__(self) -> None:
        self._threads = reading_threads()
        self._pool = ThreadPoolExecutor(self._threads)
        self._locations: dict[int, _Location] = {}

    def __enter__(self) -> "ImageReader":
        return self

    def __exit__(self, *_reason: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def locate(self, ids: Collection[int]) -> None:
        """Looks up, in one query, images that the next row groups will ask for; forgets those of the last call."""
        self._locations = _find_locations(ids)

    def start_reading(self, ids: Iterable[int]) -> PendingPictures:
        """Begins to read the pictures of `ids` (images).

        Waiting for them raises FileNotFoundError, or DamagedPictureError if one is not what it was when it was made.
        """
        wanted = set(ids)
        if unknown := wanted - self._locations.keys():
            self._locations |= _find_locations(unknown)
        images = [self._locations[pk] for pk in wanted if pk in self._locations]
        parts = [self._pool.submit(_read, images[first :: self._threads]) for first in range(self._threads)]
        return lambda: {pk: picture for part in parts for pk, picture in part.result().items()}


def _find_locations(ids: Collection[int]) -> dict[int, _Location]:
    query = "SELECT id, public_id, prefix, jpeg_sha256 FROM generation_image WHERE id = ANY(%s)"
    return {row[0]: _Location(*row) for row in fetch_all(query, [list(ids)])}


def _read(images: Sequence[_Location]) -> dict[int, Picture]:
    return {image.id: Picture(image.sha256, _read_checked(image)) for image in images}


def _read_checked(image: _Location) -> bytes:
    content = _read_stored(image.prefix)
    if hashlib.sha256(content).hexdigest() != image.sha256:
        raise DamagedPictureError(image.public_id)
    return content


@retry_unreachable_store
def _read_stored(prefix: str) -> bytes:
    return training_jpeg_below(prefix)
