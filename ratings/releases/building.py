"""Building a planned release: any number of processes on any number of hosts, one shard each at a time.

A shard is claimed by a conditional UPDATE, its file is put in place, and only then does its row say so. A
worker that dies loses its claim after a while; two that build the same shard write the same bytes.
"""

import shutil
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from lib.errors import Refused
from ratings.models import Release, ReleaseBlock, ReleaseShard
from ratings.releases.engine import arrow_fetch, block_codec
from ratings.releases.engine.image_reader import DamagedPictureError, Stored
from ratings.releases.engine.parquet import Written, file_sha256, write_shard
from ratings.releases.engine.planning import Progress, left, silently
from ratings.releases.formats.registry import FORMATS
from ratings.releases.publishing import manifest as publishing_manifest
from ratings.releases.publishing import removal
from ratings.releases.publishing.destinations import Destination, destination_of, new_file, published_file, put_bytes
from ratings.releases.services import discard_later, fail_release, refuse_if_lacking

if TYPE_CHECKING:
    from psycopg import Connection

CLAIM = timedelta(seconds=90)
_RENEW_AFTER = 20.0  # s


class ClaimLostError(Exception):
    """The release was cancelled, or the shard finished by another, while it was being written."""


def claim_shard(*, shard: ReleaseShard, at: datetime | None = None) -> bool:
    """Whether the shard is now this worker's, for `CLAIM` from `at`."""
    now = at or timezone.now()
    free = ReleaseShard.objects.claimable(now).filter(pk=shard.pk)
    return bool(free.update(claimed_until=now + CLAIM))


def release_claims(*, release: Release) -> None:
    """Frees what a dead process had claimed; a living one only has its work done twice, to the same bytes."""
    release.shards.unbuilt().update(claimed_until=None)


def check_built(*, release: Release) -> None:
    """Marks finished shards for building again whose file is gone or cut short."""
    release.refresh_from_db()
    if release.state != Release.State.BUILDING:
        return  # published meanwhile: its folder stays where it is
    destination = destination_of(release)
    destination.reopen()
    for shard in release.shards.exclude(built_at=None):
        if destination.size(file_name(shard)) != shard.size:
            release.shards.filter(pk=shard.pk).update(built_at=None, claimed_until=None)


def file_name(shard: ReleaseShard) -> str:
    return FORMATS[shard.kind].shard_name(shard.split, shard.index, shard.of)


def build_shard(*, shard: ReleaseShard, at: datetime | None = None) -> bool:
    """Builds a shard if nobody else has it; returns whether it did.

    A picture whose bytes are not what they were fails the release: it would not be what was planned. One that was
    deleted meanwhile, or is not in the store any more, leaves it, and the shard waits to be built again.
    """
    now = at or timezone.now()
    if not claim_shard(shard=shard, at=at):
        return False
    shard.refresh_from_db()
    destination = destination_of(shard.release)
    try:
        with new_file(destination) as path:
            written = _copied(shard, path) or _written(shard, path, destination)
            destination.put(file_name(shard), path)
    except ClaimLostError:
        return False
    except (DamagedPictureError, FileNotFoundError) as error:
        if not (removal.drop_unfit(shard.release, now) or _drop_missing(shard.release, now)):
            fail_release(release=shard.release, why=_("The stored copy of a picture is damaged: %s") % error)
        return False
    built = {"size": written.size, "sha256": written.sha256, "built_at": now, "claimed_until": None}
    # `rows` in the filter: a row that was taken out in between makes this file stale
    fresh = ReleaseShard.objects.unbuilt().filter(pk=shard.pk, rows=written.rows, of=shard.of, index=shard.index)
    return bool(fresh.update(**built))


def _drop_missing(release: Release, at: datetime) -> int:
    """Takes out the rows whose pictures the store has lost, and counts them; returns how many went."""
    lost = removal.missing(release)
    with transaction.atomic():
        locked = Release.objects.select_for_update().get(pk=release.pk)
        rows = removal.remove_rows(locked, set(), lost, at)
        Release.objects.filter(pk=release.pk).update(plan=_with_dropped(locked.plan, "file_missing", rows))
    return rows


def _written(shard: ReleaseShard, path: Path, destination: Destination) -> Written:
    form = FORMATS[shard.kind]

    def put_file(name: str, content: bytes) -> None:
        if destination.size(name) != len(content):
            put_bytes(destination, name, content)

    keep = put_file if form.has_files else None
    with Stored() as pictures:
        expect = pictures.expect if form.carries_pictures else None
        return write_shard(path, form, _tables(shard, expect), pictures, _renewing(shard), keep)


def _copied(shard: ReleaseShard, path: Path) -> Written | None:
    """The file of the release before this one, where no row of it went and it is still there.

    A shard whose rows name pictures is built anew: they lie beside it.
    """
    if not (shard.copied_from and shard.release.parent) or FORMATS[shard.kind].has_files:
        return None
    source = published_file(shard.release.parent, shard.copied_from)
    if source is None:
        return None
    with source, path.open("wb") as target:
        shutil.copyfileobj(source, target, 1 << 20)
    written = Written(shard.rows, path.stat().st_size, file_sha256(path))
    return written if written.sha256 == shard.sha256 else None


def _tables(shard: ReleaseShard, expect: Callable[[list[int]], None] | None) -> Iterator[pa.Table]:
    """Frozen rows in their order, two blocks in memory at a time; `expect` is told the pictures that each stands on."""
    blocks = ReleaseBlock.objects.filter(shard=shard).order_by("position").values_list("pk", flat=True)
    opened = arrow_fetch.opened()
    for table in arrow_fetch.one_ahead([partial(_unpacked, opened, pk) for pk in blocks]):
        if expect is not None:
            expect(block_codec.images(table))
        yield table


def _unpacked(opened: "Connection[Any]", block: int) -> pa.Table:
    row = arrow_fetch.first_row(opened, "SELECT data FROM ratings_releaseblock WHERE id = %s", [block])
    if row is None:
        raise ClaimLostError  # its rows were taken out a moment ago
    return block_codec.unpack(row[0])


def _renewing(shard: ReleaseShard) -> Callable[[], None]:
    """Called after each row group: keeps the claim, and stops the work when the release was cancelled."""
    renewed = time.monotonic()

    def beat() -> None:
        nonlocal renewed
        if time.monotonic() - renewed < _RENEW_AFTER:
            return
        renewed = time.monotonic()
        mine = ReleaseShard.objects.unbuilt().filter(pk=shard.pk, release__state=Release.State.BUILDING)
        if not mine.update(claimed_until=timezone.now() + CLAIM):
            raise ClaimLostError

    return beat


def finish_release(*, release: Release, at: datetime | None = None) -> bool:
    """Publishes a release whose shards are all built; returns whether it is published now.

    Reads consent, screening and level again first. What must not leave any more is taken out, and False says
    that its shards wait to be built again. Raises Refused if a needed split is empty by then.
    """
    now = at or timezone.now()
    try:
        with transaction.atomic():
            locked = Release.objects.select_for_update().filter(pk=release.pk, state=Release.State.BUILDING)
            if not locked.exists() or release.shards.unbuilt().exists():
                return False
            release.refresh_from_db()
            gone = removal.drop_unfit(release, now)
            refuse_if_lacking(release.kinds, left(release))
            if gone:
                locked.update(plan=_with_dropped(release.plan, "withdrawn_since", gone))
                return False
            # Files are written under the row's lock, for only one process may publish; these are a few small ones.
            destination = destination_of(release)
            manifest = publishing_manifest.write_last_files(release, destination)
            destination.publish()
            locked.update(state=Release.State.PUBLISHED, manifest=manifest, published_at=now)
            if release.parent is not None:
                discard_later(release.parent)
    except Refused as refusal:
        fail_release(release=release, why=refusal.message)
        raise
    return True


def _with_dropped(plan: dict[str, Any], reason: str, rows: int) -> dict[str, Any]:
    dropped = {**plan["dropped"]}
    if rows:
        dropped["all"] = dropped.get("all", {}) | {reason: dropped.get("all", {}).get(reason, 0) + rows}
    return {**plan, "dropped": dropped}


def build_release(*, release: Release, progress: Progress = silently, at: datetime | None = None) -> Release:
    """Builds what is left of a planned release in this process and publishes it; `progress` is told kinds and rows.

    Raises Refused if the release was cancelled or failed meanwhile.
    """
    while True:
        release.refresh_from_db()
        if release.state == Release.State.PUBLISHED:
            return release
        if release.state != Release.State.BUILDING:
            raise Refused("release_ended", release.failure or _("The release was cancelled."), status=409)
        waiting = list(release.shards.unbuilt().order_by("pk"))
        for shard in waiting:
            if build_shard(shard=shard, at=at):
                progress(shard.kind, shard.rows)
        if not release.shards.unbuilt().exists():
            finish_release(release=release, at=at)
        elif not release.shards.claimable(at or timezone.now()).exists():
            raise Refused(
                "release_busy", _("Other workers hold the last shards; run it again with --resume."), status=409
            )
