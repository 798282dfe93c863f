"""Archives of pictures as researchers send them. Strangers write these bytes: bounds are on what is read, not said.

No file is unpacked. A member is read into memory up to a bound, and by nothing but the two common ways of compression,
which Python unpacks piece by piece.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from django.conf import settings
from django.core.files.base import File
from django.utils.translation import gettext as _

from lib.decoding.containers import kind_of
from lib.images import taken_kinds
from ratings.campaigns.imports.metadata import Row, bad_archive, bad_line, read_rows

MOST_DIRECTORY = 4_000_000  # bytes that are read at once: of the list of files at the end of an archive
MOST_FILES = 12_000
MOST_METADATA = 10_000_000  # bytes, unpacked
UNPACKED_SHARE = 2  # all that is read, unpacked, to MAX_ARCHIVE_BYTES: pictures do not shrink in an archive
METADATA = ("metadata.jsonl", "metadata.csv")
UNREADABLE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError, OverflowError, NotImplementedError)


class _Bounded:
    """A file of which one read takes MOST_DIRECTORY bytes at most: `zipfile` reads its list of files at once."""

    def __init__(self, file: "IO[bytes] | File[bytes]") -> None:
        self._file = file

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._file.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_SET and offset < 0:
            raise zipfile.BadZipFile("an address before the file")
        return self._file.seek(offset, whence)

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(min(size, MOST_DIRECTORY + 1) if size >= 0 else MOST_DIRECTORY + 1)
        if len(data) > MOST_DIRECTORY:
            raise zipfile.BadZipFile("too much at once")
        return bytes(data)


@contextmanager
def open_zip(file: "IO[bytes] | File[bytes]") -> Iterator[zipfile.ZipFile]:
    """A ZIP to read. Raises one of UNREADABLE for anything else."""
    bounded: Any = _Bounded(file)
    with zipfile.ZipFile(bounded) as archive:
        yield archive


def read_member(archive: zipfile.ZipFile, name: str, most: int) -> bytes | None:
    """A file of an archive, or None where it has more than `most` bytes; raises one of UNREADABLE if it is damaged."""
    with archive.open(name) as stream:
        data = stream.read(most + 1)
    return None if len(data) > most else data


def read_archive(file: File[bytes]) -> list[Row]:
    """The rows of an archive all of whose pictures are there, whole, and of a kind that is taken; none is decoded.

    Raises Refused beside the field `archive`, with the line of the metadata and what to do.
    """
    if (file.size or 0) > settings.MAX_ARCHIVE_BYTES:
        message = _("This archive is larger than %(n)s MB. Send fewer or smaller pictures, or make two campaigns.")
        raise bad_archive(message % {"n": settings.MAX_ARCHIVE_BYTES // 1_000_000})
    try:
        with open_zip(file) as archive:
            return _read(archive)
    except UNREADABLE:
        message = _("This file is not a ZIP archive that we can read. Pack the folder as an ordinary ZIP.")
        raise bad_archive(message) from None


def _read(archive: zipfile.ZipFile) -> list[Row]:
    members = _members(archive)
    metadata = _find_metadata(members)
    folder, _slash, name = metadata.rpartition("/")
    data = read_member(archive, metadata, MOST_METADATA)
    if data is None:
        raise bad_archive(_("%(name)s is larger than %(n)d MB.") % {"name": name, "n": MOST_METADATA // 1_000_000})
    rows, left = read_rows(name, data, folder), UNPACKED_SHARE * settings.MAX_ARCHIVE_BYTES - len(data)
    for row in rows:
        left -= _check_picture(archive, members, row)
        if left < 0:
            most = UNPACKED_SHARE * settings.MAX_ARCHIVE_BYTES // 1_000_000
            raise bad_line(row.line, _("up to here the pictures have more than %(n)d MB. Send fewer.") % {"n": most})
    return rows


def _members(archive: zipfile.ZipFile) -> set[str]:
    """Names of the files; what systems add for themselves is left out."""
    found: set[str] = set()
    if len(archive.infolist()) > MOST_FILES:
        raise bad_archive(_("There are more than %(n)d files in this archive.") % {"n": MOST_FILES})
    for info in archive.infolist():
        name = info.filename
        parts = name.split("/")
        if name.startswith("/") or "\\" in name or ".." in parts:
            message = _("The archive has a file “%(name)s”. Names stay inside the folder, with / between its parts.")
            raise bad_archive(message % {"name": name[:100]})
        if info.is_dir() or parts[0] == "__MACOSX" or parts[-1].startswith("."):
            continue
        if name in found:
            raise bad_archive(_("The archive has two files “%(name)s”.") % {"name": name[:100]})
        if info.flag_bits & 1:
            raise bad_archive(_("The archive has a password. Pack it without one."))
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            message = _("“%(name)s” is compressed in a way that we do not read. Pack the folder as an ordinary ZIP.")
            raise bad_archive(message % {"name": name[:100]})
        found.add(name)
    return found


def _find_metadata(members: set[str]) -> str:
    found = sorted(name for name in members if name.rpartition("/")[2] in METADATA)
    if not found:
        raise bad_archive(_("There is no metadata.jsonl or metadata.csv in this archive. Put one beside the pictures."))
    if len(found) > 1:
        message = _("There is more than one file of metadata: %(names)s. Keep one.")
        raise bad_archive(message % {"names": ", ".join(found)[:200]})
    return found[0]


def _check_picture(archive: zipfile.ZipFile, members: set[str], row: Row) -> int:
    """Bytes of a picture that is there, whole and of a kind that is taken."""
    if row.file not in members:
        message = _("there is no file “%(name)s” in the archive. Names are relative to the folder of the metadata.")
        raise bad_line(row.line, message % {"name": row.file[:100]})
    try:
        data = read_member(archive, row.file, settings.MAX_UPLOAD_BYTES)
    except UNREADABLE:
        message = _("“%(name)s” is damaged inside the archive. Pack it again.")
        raise bad_line(row.line, message % {"name": row.file[:100]}) from None
    if data is None:
        message = _("“%(name)s” is larger than %(n)d MB. Make it smaller.")
        megabytes = settings.MAX_UPLOAD_BYTES // 1_000_000
        raise bad_line(row.line, message % {"name": row.file[:100], "n": megabytes})
    if kind_of(data) not in taken_kinds():
        message = _("“%(name)s” is not a picture that we take. Save it as %(kinds)s.")
        raise bad_line(row.line, message % {"name": row.file[:100], "kinds": ", ".join(taken_kinds())})
    return len(data)
