"""Whole backups: made, listed, verified while they are restored, and removed when they are old.

A backup is a folder named by its time. Its manifest is written last: a folder without one is not a backup.
"""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import IO, Any, cast

from django.conf import settings
from django.core.management import CommandError

from config.backups import database, files
from config.backups.files import Digesting
from config.backups.places import Place

MANIFEST, DATABASE, FORM = "manifest.json", "database.dump", "%Y%m%dT%H%M%SZ"
SECRETS = ("SECRET_KEY", "RELEASE_SECRET")
ABANDONED_AFTER = timedelta(days=1)  # a backup that has no manifest by then was broken off


def create(place: Place, at: datetime) -> str:
    """Writes a backup and returns its name.

    The database first, as it is at one moment, then the files: every file that its rows name is there by then.
    """
    name = at.astimezone(UTC).strftime(FORM)
    manifest: dict[str, Any] = {"format": 1, "created_at": at.isoformat(), "secrets": fingerprints(), "sha256": {}}
    with database.snapshot() as (snapshot, tables):
        manifest["tables"] = tables
        _write(place, name, DATABASE, manifest, partial(database.dump, snapshot))
    manifest["files"] = {}
    for alias, label in files.STORES.items():
        with place.write(f"{name}/{label}.sha256") as stream:
            digests = Digesting(stream)
            count = _write(
                place, name, f"{label}.tar", manifest, partial(files.pack, alias, digests=cast(IO[bytes], digests))
            )
        manifest["sha256"][f"{label}.sha256"] = digests.digest.hexdigest()
        manifest["files"][label] = count
    with place.write(f"{name}/{MANIFEST}") as stream:
        stream.write(json.dumps(manifest, indent=1).encode())
    return name


def _write(place: Place, backup: str, file: str, manifest: dict[str, Any], fill: Callable[[Any], Any]) -> Any:
    with place.write(f"{backup}/{file}") as stream:
        out = Digesting(stream)
        result = fill(out)
    manifest["sha256"][file] = out.digest.hexdigest()
    return result


def complete(place: Place) -> list[str]:
    """The names of whole backups, oldest first."""
    return sorted(name.partition("/")[0] for name in place.names() if name.endswith(f"/{MANIFEST}"))


def remove_old(place: Place, *, keep: int, at: datetime) -> list[str]:
    """Removes all but the newest `keep` backups, and what was broken off; returns the names of what went."""
    whole = complete(place)
    begun = {name.partition("/")[0] for name in place.names()} - set(whole)
    abandoned = [name for name in begun if _is_abandoned(name, at)]
    removed = sorted([*whole[:-keep], *abandoned])
    for name in removed:
        place.remove(name)
    return removed


def _is_abandoned(name: str, at: datetime) -> bool:
    try:
        begun = datetime.strptime(name, FORM).replace(tzinfo=UTC)
    except ValueError:
        return False  # somebody else's folder
    return begun < at - ABANDONED_AFTER


def restore(place: Place, name: str) -> dict[str, Any]:
    """Restores a backup into an empty database and this site's stores, and compares; returns its manifest.

    Raises:
        CommandError: there is something already, a secret is another, a file is damaged, or what arrived differs.
    """
    manifest = _read_manifest(place, name)
    _require_secrets(manifest["secrets"])
    database.require_empty()
    verify(place, name, manifest)
    for alias, label in files.STORES.items():  # files before rows
        with place.read(f"{name}/{label}.tar") as archive, place.read(f"{name}/{label}.sha256") as digests:
            files.unpack(alias, archive, digests)
    with place.read(f"{name}/{DATABASE}") as source:
        database.load(source)
    found = database.tables()
    if different := sorted(table for table in {*found, *manifest["tables"]}
                           if found.get(table) != manifest["tables"].get(table)):  # fmt: skip
        raise CommandError(f"These tables are not what they were: {', '.join(different)}.")
    return manifest


def verify(place: Place, name: str, manifest: dict[str, Any]) -> None:
    """Reads every file of a backup; raises CommandError where one is damaged."""
    for file, expected in manifest["sha256"].items():
        digest = hashlib.sha256()
        with place.read(f"{name}/{file}") as stream:
            while data := _read_some(stream):
                digest.update(data)
        if digest.hexdigest() != expected:
            raise CommandError(f"{name}/{file} is damaged: restore another backup.")


def _read_some(stream: IO[bytes]) -> bytes:
    return stream.read(1 << 20)


def _read_manifest(place: Place, name: str) -> dict[str, Any]:
    if name not in complete(place):
        raise CommandError(f"There is no whole backup {name}. There are: {', '.join(complete(place)) or 'none'}.")
    with place.read(f"{name}/{MANIFEST}") as stream:
        manifest: dict[str, Any] = json.loads(stream.read())
    return manifest


def fingerprints() -> dict[str, str]:
    """Which secrets belong to the site, recognisable and not readable."""
    return {name: hashlib.sha256(getattr(settings, name).encode()).hexdigest()[:16] for name in SECRETS}


def _require_secrets(expected: dict[str, str]) -> None:
    found = fingerprints()
    if found["RELEASE_SECRET"] != expected["RELEASE_SECRET"]:
        raise CommandError(
            "RELEASE_SECRET is not the one of this backup: every pseudonym and split of later releases would differ. "
            "Set it to the secret that you keep beside your backups."
        )
