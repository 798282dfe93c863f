"""Where a release is written: a folder on this machine, or the releases store (a folder or S3).

An unfinished release never looks finished: a folder is filled beside its final place and renamed, and files in the
store have no link before the release is published.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Protocol

from django.core.files import File
from django.core.files.storage import Storage, storages
from django.utils.translation import gettext as _

from lib.errors import Refused
from ratings.releases.models import Release
from ratings.releases.retry import retry_unreachable_store

SCRATCH = ".building-"


class Destination(Protocol):
    def scratch(self) -> Path:
        """A folder where a file may be written before it is `put`."""
        ...

    def put(self, name: str, path: Path) -> None:
        """Moves a finished file to `name`; a file of that name is replaced whole."""
        ...

    def size(self, name: str) -> int | None:
        """Bytes, or None where there is no such file."""
        ...

    def open(self, name: str) -> IO[bytes]: ...

    def names(self) -> list[str]: ...

    def delete(self, name: str) -> None: ...

    def publish(self) -> None:
        """Puts the finished release in its place."""
        ...

    def reopen(self) -> None:
        """Undoes `publish` of a release whose process died before the database recorded it."""
        ...

    def discard(self) -> None:
        """Removes everything that was written."""
        ...


class FolderDestination:
    def __init__(self, release: Release) -> None:
        self.public_id = release.public_id
        self.final = Path(release.destination)
        self.staging = self.final.with_name(f".{self.final.name}.{release.public_id}.partial")

    def scratch(self) -> Path:
        self.staging.mkdir(parents=True, exist_ok=True)
        return self.staging

    def put(self, name: str, path: Path) -> None:
        target = self.staging / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with path.open("rb") as stream:
            os.fsync(stream.fileno())
        path.replace(target)

    def size(self, name: str) -> int | None:
        path = self.staging / name
        return path.stat().st_size if path.is_file() else None

    def open(self, name: str) -> IO[bytes]:
        return (self.staging / name).open("rb")

    def names(self) -> list[str]:
        files = (path for path in self.staging.rglob("*") if path.is_file() and not path.name.startswith(SCRATCH))
        return sorted(path.relative_to(self.staging).as_posix() for path in files)

    def delete(self, name: str) -> None:
        (self.staging / name).unlink(missing_ok=True)

    def reopen(self) -> None:
        manifest = self.final / "manifest.json"
        if self.staging.exists() or not manifest.is_file():
            return
        if json.loads(manifest.read_bytes()).get("release") == self.public_id:
            self.final.rename(self.staging)

    def publish(self) -> None:
        if self.final.is_dir() and self.staging.is_dir():
            self.final.rmdir()  # `check_folder` let only an empty one through
        if self.staging.is_dir():
            for leftover in self.staging.glob(f"{SCRATCH}*"):
                leftover.unlink()
            self.staging.rename(self.final)

    def discard(self) -> None:
        shutil.rmtree(self.staging, ignore_errors=True)


class StoreDestination:
    """Files live under ``{public_id}/`` of the releases store from the start."""

    def __init__(self, release: Release) -> None:
        self.storage: Storage = storages["releases"]
        self.prefix = release.public_id

    def _key(self, name: str) -> str:
        return f"{self.prefix}/{name}"

    def scratch(self) -> Path:
        return Path(tempfile.gettempdir())

    def put(self, name: str, path: Path) -> None:
        self._put(name, path)
        path.unlink()

    @retry_unreachable_store
    def _put(self, name: str, path: Path) -> None:
        # Neither kind of store replaces a file in one step, but the bytes of a name never differ.
        self.storage.delete(self._key(name))
        with path.open("rb") as stream:
            saved = self.storage.save(self._key(name), File(stream))
        if saved != self._key(name):
            self.storage.delete(saved)  # another worker put the same bytes there in between

    @retry_unreachable_store
    def size(self, name: str) -> int | None:
        return self.storage.size(self._key(name)) if self.storage.exists(self._key(name)) else None

    @retry_unreachable_store
    def open(self, name: str) -> IO[bytes]:
        return self.storage.open(self._key(name), "rb")

    @retry_unreachable_store
    def names(self) -> list[str]:
        return sorted(self._walk(self.prefix))

    def _walk(self, folder: str) -> Iterator[str]:
        try:
            folders, files = self.storage.listdir(folder)
        except FileNotFoundError:
            return
        for file in files:
            yield f"{folder}/{file}".removeprefix(f"{self.prefix}/")
        for inner in filter(None, folders):
            yield from self._walk(f"{folder}/{inner}")

    @retry_unreachable_store
    def delete(self, name: str) -> None:
        self.storage.delete(self._key(name))

    def reopen(self) -> None:
        """Files are never moved here."""

    def publish(self) -> None:
        """Files are in place already; the release's state makes them accessible."""

    def discard(self) -> None:
        for name in self.names():
            self.delete(name)


def destination_of(release: Release) -> Destination:
    return FolderDestination(release) if release.destination else StoreDestination(release)


def published_file(release: Release, name: str) -> IO[bytes] | None:
    """A file of a published release, or None where it is missing."""
    try:
        if release.destination:
            return Path(release.destination, name).open("rb")
        return StoreDestination(release).open(name)
    except FileNotFoundError:
        return None


def check_folder(folder: Path) -> None:
    """Raises Refused unless `folder` is missing or empty, in a folder that can be written to."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Refused("destination_taken", _("%(folder)s is not empty. Choose another folder.") % {"folder": folder})
    parent = next(path for path in folder.parents if path.exists())
    if not os.access(parent, os.W_OK):
        raise Refused("destination_locked", _("%(folder)s cannot be written to.") % {"folder": parent})


@contextmanager
def new_file(destination: Destination) -> Iterator[Path]:
    """A fresh path in the scratch folder, removed again if it was not `put`."""
    handle, name = tempfile.mkstemp(prefix=SCRATCH, dir=destination.scratch())
    os.close(handle)
    path = Path(name)
    path.chmod(0o644)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def put_bytes(destination: Destination, name: str, content: bytes) -> None:
    with new_file(destination) as path:
        path.write_bytes(content)
        destination.put(name, path)
