"""The files of pictures in the store.

Files of one image lie under ``images/{id}/{lease_no}`` and belong to it alone, so that deleting a prefix removes
all of a picture and nothing of another's. They are written before the row names them.
"""

import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import PIL.Image
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, Storage, default_storage

from generation.media import encoding
from generation.models import Image
from generation.parameters import Parameters

S3_READ_BYTES = 1 << 20  # at a time: most pictures are smaller


@dataclass(frozen=True)
class Outputs(encoding.Derived):
    """What `leases.finish` records about the files of one image."""

    prefix: str
    jpeg_bytes: int


def prefix_of(*, image_id: int, lease_no: int) -> str:
    return f"images/{image_id}/{lease_no}"


def write_outputs(*, prefix: str, picture: PIL.Image.Image, parameters: Parameters, public_id: str) -> Outputs:
    """Encodes a finished picture (RGB) and writes every copy under `prefix`; call before the row is updated."""
    return write_encoded(prefix=prefix, encoded=encoding.encode(picture, parameters, public_id=public_id))


def write_encoded(*, prefix: str, encoded: encoding.Encoded) -> Outputs:
    """Writes every copy of a picture under `prefix`; may be repeated. Call before the row is updated."""
    for name, data in encoded.files.items():
        write(f"{prefix}/{name}", data)
    return Outputs(prefix=prefix, jpeg_bytes=len(encoded.files["training.jpg"]), **vars(encoded.derived))


def write(name: str, data: bytes) -> None:
    """Writes `data` at exactly `name`: a second attempt under one lease replaces, it never makes a second copy."""
    if default_storage.exists(name):
        default_storage.delete(name)
    default_storage.save(name, ContentFile(data))


def write_file(name: str, file: "File[bytes]") -> None:
    """Writes a large file, read from its start a piece at a time, at a name that is new."""
    file.seek(0)
    default_storage.save(name, file)


def delete(name: str) -> None:
    default_storage.delete(name)


def delete_each(names: Iterable[str]) -> None:
    for name in names:
        delete(name)


def read(name: str) -> bytes:
    """Raises FileNotFoundError, on every storage, for a name that is not there."""
    with default_storage.open(name) as stream:
        return bytes(stream.read())


def open_file(name: str) -> "File[bytes]":
    """A stored file of which only what is read is fetched; raises FileNotFoundError as `read` does."""
    if isinstance(default_storage, FileSystemStorage):
        return default_storage.open(name)
    size = default_storage.size(name)
    file: File[bytes] = File(io.BufferedReader(_S3Reader(name, size), S3_READ_BYTES), name)
    file.size = size
    return file


class _S3Reader(io.RawIOBase):
    """Reads an object of S3 by ranges; what django-storages opens would fetch all of it at the first read."""

    def __init__(self, name: str, size: int) -> None:
        self._object = default_storage.bucket.Object(f"{default_storage.location}/{name}")  # type: ignore[attr-defined]
        self._size, self._position = size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._position = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        return self._position

    def readinto(self, buffer: Any) -> int:
        last = min(self._position + len(buffer), self._size) - 1
        if last < self._position:
            return 0
        data = self._object.get(Range=f"bytes={self._position}-{last}")["Body"].read()
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)


def delete_prefix(prefix: str, *, storage: Storage = default_storage) -> int:
    """Deletes every file below `prefix` (and, on disk, its folders); returns how many there were."""
    if not prefix.strip("/"):
        raise ValueError("the whole store is no prefix")
    try:
        folders, names = storage.listdir(prefix)
    except FileNotFoundError:
        return 0
    for name in names:
        storage.delete(f"{prefix}/{name}")
    deleted = len(names) + sum(delete_prefix(f"{prefix}/{folder}", storage=storage) for folder in folders)
    storage.delete(prefix)
    return deleted


def folders(prefix: str) -> list[str]:
    """Names of the folders right below `prefix`; none when it is not there."""
    try:
        return default_storage.listdir(prefix)[0]
    except FileNotFoundError:
        return []


def delete_all_of(*, image_id: int) -> int:
    """Deletes every file that any lease of an image wrote."""
    return delete_prefix(f"images/{image_id}")


def original_name(image: Image) -> str:
    """The name of its PNG in the store."""
    return original_name_below(image.prefix)


def original_name_below(prefix: str) -> str:
    """The same, below an image's prefix."""
    return f"{prefix}/original.png"


def original_png(image: Image) -> bytes:
    return read(original_name(image))


def training_jpeg(image: Image) -> bytes:
    """The stored, metadata-free JPEG whose sha256 is `image.jpeg_sha256`."""
    return training_jpeg_below(image.prefix)


def training_jpeg_below(prefix: str) -> bytes:
    """The training JPEG below an image's prefix."""
    return read(f"{prefix}/training.jpg")


def training_jpeg_size(prefix: str) -> int | None:
    """Bytes of the training JPEG below an image's prefix, or None where there is none."""
    try:
        return default_storage.size(f"{prefix}/training.jpg")
    except FileNotFoundError:
        return None


def reading_threads() -> int:
    """How many threads read many pictures best: a store answers one question slowly and eight at once. A disk answers
    soon, and most of the rest is Python's own work, which more threads would only hand to and fro."""
    return 2 if isinstance(default_storage, FileSystemStorage) else 8
