"""The files of a backup: one tar archive of each store, and a list of the digests of what is in it."""

import hashlib
import io
import tarfile
from collections.abc import Iterator
from typing import IO, cast

from django.core.files.base import File
from django.core.files.storage import Storage, storages
from django.core.management import CommandError

STORES = {"default": "media", "releases": "releases"}  # Django's alias → name in the backup


class Digesting(io.RawIOBase):
    """Passes on what is read from, or written to, a stream, and keeps the digest."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.digest = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self.digest.update(data)
        return data

    def write(self, data: object) -> int:
        view = memoryview(data)  # type: ignore[arg-type]
        self.digest.update(view)
        self._stream.write(view)
        return view.nbytes


def names_in(storage: Storage, folder: str = "") -> Iterator[str]:
    """Every file of a store, folder by folder; none where it was never written to."""
    try:
        folders, files = storage.listdir(folder)
    except FileNotFoundError:
        return
    for name in sorted(files):
        yield f"{folder}/{name}" if folder else name
    for name in sorted(folders):
        yield from names_in(storage, f"{folder}/{name}" if folder else name)


def pack(alias: str, archive: IO[bytes], digests: IO[bytes]) -> int:
    """Writes a store's files and a line ``sha256  name`` of each; returns how many. One that vanishes is left out."""
    storage, count = storages[alias], 0
    with tarfile.open(fileobj=archive, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        for name in names_in(storage):
            try:
                with storage.open(name) as file:
                    entry = tarfile.TarInfo(name)
                    entry.size = file.size
                    reader = Digesting(file)
                    tar.addfile(entry, reader)
            except FileNotFoundError:
                continue
            digests.write(f"{reader.digest.hexdigest()}  {name}\n".encode())
            count += 1
    return count


def unpack(alias: str, archive: IO[bytes], digests: IO[bytes]) -> int:
    """Writes the files into the store; returns how many.

    Raises:
        CommandError: a file is not what the list says, or is missing.
    """
    storage, count = storages[alias], 0
    expected = dict(line.decode().rstrip("\n").split("  ", 1)[::-1] for line in digests.readlines())
    with tarfile.open(fileobj=archive, mode="r|") as tar:
        for entry in tar:
            content = tar.extractfile(entry)
            if content is None:
                continue
            reader, count = Digesting(content), count + 1
            if storage.exists(entry.name):
                storage.delete(entry.name)
            storage.save(entry.name, File(cast(IO[bytes], reader), entry.name))
            if expected.pop(entry.name, None) != reader.digest.hexdigest():
                raise CommandError(f"{entry.name} is damaged: its digest is not the one in the backup.")
    if expected:
        raise CommandError(f"{len(expected)} files are missing in the backup, among them {next(iter(expected))}.")
    return count
