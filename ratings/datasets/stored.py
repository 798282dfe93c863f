"""The stored training JPEGs that rows show: their sizes, and their bytes, read ahead by threads and checked."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from generation.files import training_jpeg_below, training_jpeg_size
from generation.models import Image
from ratings.datasets.patience import patiently

_THREADS = 8  # a store answers one question slowly and many at once


class Picture(NamedTuple):
    sha256: str
    content: bytes


Waiting = Callable[[], dict[int, Picture]]  # gives the pictures by their ids, once they are there


def training_size(prefix: str) -> int | None:
    """Bytes of the stored training JPEG below an image's prefix, or None where it is missing."""
    return patiently(lambda: training_jpeg_size(prefix))


class Stored:
    """Reads the pictures of a row group while the one before it is written; use in a `with`."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_THREADS)

    def __enter__(self) -> "Stored":
        return self

    def __exit__(self, *_reason: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def begin(self, ids: Iterable[int]) -> Waiting:
        """Begins to read the pictures of `ids`.

        Waiting for them raises FileNotFoundError, or DamagedPictureError if one is not what it was when it was made.
        """
        known = Image.objects.filter(pk__in=set(ids)).values_list("pk", "public_id", "prefix", "jpeg_sha256")
        images = list(known)
        parts = [self._pool.submit(_read, images[first::_THREADS]) for first in range(_THREADS)]
        return lambda: {pk: picture for part in parts for pk, picture in part.result().items()}


def _read(images: Sequence[tuple[int, str, str, str]]) -> dict[int, Picture]:
    return {pk: Picture(sha256, _checked(name, prefix, sha256)) for pk, name, prefix, sha256 in images}


def _checked(name: str, prefix: str, sha256: str) -> bytes:
    content = patiently(lambda: training_jpeg_below(prefix))
    if hashlib.sha256(content).hexdigest() != sha256:
        raise DamagedPictureError(name)
    return content


class DamagedPictureError(Exception):
    """A stored training copy is not what it was when it was made."""
