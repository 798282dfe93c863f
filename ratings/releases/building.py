"""Building a planned release: any number of processes on any number of hosts, each with one shard at a time.

A shard is claimed by a conditional UPDATE, its file is put in place, and only then does its row say so. A worker that
dies loses its claim after a while; two that build the same shard write the same bytes. Publishing is claimed alike.
"""

import shutil
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from lib.errors import Refused
from lib.tasks import enqueue_on_commit
from ratings.releases.engine import arrow_fetch, block_codec
from ratings.releases.engine.image_reader import DamagedPictureError, ImageReader
from ratings.releases.engine.parquet import ShardFile, file_sha256, write_shard
from ratings.releases.engine.planning import Progress, count_remaining, no_progress
from ratings.releases.formats.registry import FORMATS
from ratings.releases.models import Release, ReleaseBlock, ReleaseShard
from ratings.releases.publishing import manifest as publishing_manifest
from ratings.releases.publishing import removal
from ratings.releases.publishing.destinations import Destination, destination_of, new_file, published_file, put_bytes
from ratings.releases.services import fail_release, refuse_if_empty

CLAIM = timedelta(seconds=90)
_RENEW_AFTER = 20.0  # s
_POLL = 0.5  # s, while another process publishes


class ClaimLostError(Exception):
    """The release was cancelled, lost a row, or was finished by another process in the meantime."""


def claim_shard(*, shard: ReleaseShard, at: datetime | None = None) -> bool:
    """Whether the shard is now this worker's, for `CLAIM` from `at`."""
    now = at or timezone.now()
    free = ReleaseShard.objects.claimable(now).filter(pk=shard.pk)
    return bool(free.update(claimed_until=now + CLAIM))


def clear_claims(*, release: Release) -> None:
    """Frees what a dead process had claimed; a living one writes the same bytes as its successor."""
    release.shards.unbuilt().update(claimed_until=None)
    Release.objects.filter(pk=release.pk).update(finish_claimed_until=None)


def check_built(*, release: Release) -> None:
    """Marks finished shards for building again whose file is missing or truncated."""
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
    """Builds a shard if no other worker has claimed it; returns whether it did.

    A picture with other bytes than planned fails the release. A picture that was deleted meanwhile, or is missing in
    the store, leaves the release, and the shard waits to be built again.
    """
    now = at or timezone.now()
    if not claim_shard(shard=shard, at=at):
        return False
    shard.refresh_from_db()
    destination = destination_of(shard.release)
    try:
        with new_file(destination) as path:
            file = _copy_unchanged(shard, path) or _write(shard, path, destination)
            destination.put(file_name(shard), path)
    except ClaimLostError:
        return False
    except (DamagedPictureError, FileNotFoundError) as error:
        if not (_remove_ineligible(shard.release, now) or _remove_missing_pictures(shard.release, now)):
            fail_release(release=shard.release, why=_("The stored copy of a picture is damaged: %s") % error)
        return False
    built = {"size": file.size, "sha256": file.sha256, "built_at": now, "claimed_until": None}
    # `rows` in the filter: a row that was deleted in between makes this file stale
    current = ReleaseShard.objects.unbuilt().filter(pk=shard.pk, rows=file.rows, of=shard.of, index=shard.index)
    return bool(current.update(**built))


def _remove_ineligible(release: Release, at: datetime) -> int:
    """Deletes and counts the rows that may no longer be published; returns how many."""
    return _remove_rows(release, *removal.find_ineligible(release, at), "withdrawn_since", at)


def _remove_missing_pictures(release: Release, at: datetime) -> int:
    """Deletes and counts the rows whose pictures are missing in the store; returns how many."""
    return _remove_rows(release, set(), removal.find_missing_pictures(release), "file_missing", at)


def _remove_rows(release: Release, members: set[int], pictures: set[int], reason: str, at: datetime) -> int:
    if not members and not pictures:
        return 0
    with transaction.atomic():
        locked = Release.objects.select_for_update().get(pk=release.pk)
        rows = removal.remove_rows(locked, members, pictures, at)
        Release.objects.filter(pk=release.pk).update(plan=_add_dropped(locked.plan, reason, rows))
    return rows


def _write(shard: ReleaseShard, path: Path, destination: Destination) -> ShardFile:
    form = FORMATS[shard.kind]

    def put_file(name: str, content: bytes) -> None:
        if destination.size(name) != len(content):
            put_bytes(destination, name, content)

    put = put_file if form.has_files else None
    with ImageReader() as pictures:
        locate = pictures.locate if form.carries_pictures else None
        return write_shard(path, form, _planned_rows(shard, locate), pictures, _keep_shard_claim(shard), put)


def _copy_unchanged(shard: ReleaseShard, path: Path) -> ShardFile | None:
    """The file of the release before this one, if it lost no row and is still there.

    A shard whose rows name picture files is always built: the files are beside it.
    """
    if not (shard.copied_from and shard.release.parent) or FORMATS[shard.kind].has_files:
        return None
    source = published_file(shard.release.parent, shard.copied_from)
    if source is None:
        return None
    with source, path.open("wb") as target:
        shutil.copyfileobj(source, target, 1 << 20)
    file = ShardFile(shard.rows, path.stat().st_size, file_sha256(path))
    return file if file.sha256 == shard.sha256 else None


def _planned_rows(shard: ReleaseShard, locate: Callable[[list[int]], None] | None) -> Iterator[pa.Table]:
    """Planned rows in order, two blocks in memory at a time; `locate` is called with the pictures of each block."""
    blocks = ReleaseBlock.objects.filter(shard=shard).order_by("position").values_list("pk", flat=True)
    database = arrow_fetch.open_connection()
    for table in arrow_fetch.prefetch([partial(_fetch_block, database, pk) for pk in blocks]):
        if locate is not None:
            locate(block_codec.image_ids(table))
        yield table


def _fetch_block(database: "psycopg.Connection[Any]", block: int) -> pa.Table:
    row = arrow_fetch.fetch_first_row(database, "SELECT data FROM ratings_releaseblock WHERE id = %s", [block])
    if row is None:
        raise ClaimLostError  # its rows were deleted a moment ago
    return block_codec.decode(row[0])


def _keep_shard_claim(shard: ReleaseShard) -> Callable[[], None]:
    """Called after each row group: renews the claim, and stops the work when the release was cancelled."""
    renewed = time.monotonic()

    def renew() -> None:
        nonlocal renewed
        if time.monotonic() - renewed < _RENEW_AFTER:
            return
        renewed = time.monotonic()
        mine = ReleaseShard.objects.unbuilt().filter(pk=shard.pk, release__state=Release.State.BUILDING)
        if not mine.update(claimed_until=timezone.now() + CLAIM):
            raise ClaimLostError

    return renew


class PublishingClaim:
    """The right to write the last files of a release and publish it; lost when a row of the release is deleted."""

    def __init__(self, release: Release, at: datetime) -> None:
        self._building = Release.objects.filter(pk=release.pk, state=Release.State.BUILDING)
        self._until = at + CLAIM
        free = self._building.filter(Q(finish_claimed_until=None) | Q(finish_claimed_until__lte=at))
        self.is_held = bool(free.update(finish_claimed_until=self._until))
        self._renewed = time.monotonic()

    def renew(self) -> None:
        """Call before each write and now and then between; raises ClaimLostError if another process has it."""
        until = timezone.now() + CLAIM
        if not self._building.filter(finish_claimed_until=self._until).update(finish_claimed_until=until):
            raise ClaimLostError
        self._until, self._renewed = until, time.monotonic()

    def renew_if_due(self) -> None:
        if time.monotonic() - self._renewed >= _RENEW_AFTER:
            self.renew()

    def give_up(self) -> None:
        self._building.filter(finish_claimed_until=self._until).update(finish_claimed_until=None)

    def publish(self, manifest: dict[str, Any], at: datetime) -> bool:
        """Marks the release published, if the claim is still held and every shard still built."""
        unbuilt = ReleaseShard.objects.unbuilt().filter(release=OuterRef("pk"))
        mine = self._building.filter(~Exists(unbuilt), finish_claimed_until=self._until)
        values = {"state": Release.State.PUBLISHED, "manifest": manifest, "published_at": at}
        return bool(mine.update(finish_claimed_until=None, **values))


def finish_release(*, release: Release, at: datetime | None = None) -> bool:
    """Publishes a release whose shards are all built; returns whether it is published now.

    Checks consent, screening and level again first. False: rows that may no longer be published were deleted and
    their shards wait to be built again, or another process is publishing. Raises Refused if a required split is empty.
    """
    now = at or timezone.now()
    claim = PublishingClaim(release, now)
    if not claim.is_held:
        return False
    try:
        if release.shards.unbuilt().exists():
            return False
        if _remove_ineligible(release, now):
            refuse_if_empty(release.kinds, count_remaining(release))
            return False
        refuse_if_empty(release.kinds, count_remaining(release))
        return _publish(release, claim, now)
    except ClaimLostError:
        return False
    except Refused as refusal:
        fail_release(release=release, why=refusal.message)
        raise
    finally:
        claim.give_up()


def _publish(release: Release, claim: PublishingClaim, at: datetime) -> bool:
    """Writes the last files, then publishes by one conditional UPDATE.

    Blocks are scanned and files are written outside any transaction: a slow store would hold the release's row locked
    against cancelling and deletions. Whoever deletes a row takes the claim away, and the UPDATE finds nothing.
    """
    release.refresh_from_db()
    destination = destination_of(release)
    manifest = publishing_manifest.write_metadata_files(
        release, destination, before_write=claim.renew, after_block=claim.renew_if_due
    )
    with transaction.atomic():
        if not claim.publish(manifest, at):
            return False
        destination.publish()  # renames a folder, and does nothing in a store; if it fails, the UPDATE is undone
        if release.parent is not None:
            enqueue_on_commit("ratings.discard_release", release.parent.pk)
    return True


def _add_dropped(plan: dict[str, Any], reason: str, rows: int) -> dict[str, Any]:
    dropped = {**plan["dropped"]}
    if rows:
        dropped["all"] = dropped.get("all", {}) | {reason: dropped.get("all", {}).get(reason, 0) + rows}
    return {**plan, "dropped": dropped}


def build_release(*, release: Release, progress: Progress = no_progress, at: datetime | None = None) -> Release:
    """Builds the rest of a planned release in this process and publishes it; `progress` gets kinds and rows.

    Raises Refused if the release was cancelled or failed meanwhile, or other workers hold the last shards.
    """
    while True:
        release.refresh_from_db()
        if release.state == Release.State.PUBLISHED:
            return release
        if release.state != Release.State.BUILDING:
            raise Refused("release_ended", release.failure or _("The release was cancelled."), status=409)
        for shard in list(release.shards.unbuilt().order_by("pk")):
            if build_shard(shard=shard, at=at):
                progress(shard.kind, shard.rows)
        if not release.shards.unbuilt().exists():
            if not finish_release(release=release, at=at):
                _wait_for_publisher(release)
        elif not release.shards.claimable(at or timezone.now()).exists():
            message = _("Other workers are building the last files. Run the command again with --resume.")
            raise Refused("release_busy", message, status=409)


def _wait_for_publisher(release: Release) -> None:
    """Waits a moment while another process publishes the release, instead of asking again at once."""
    if Release.objects.filter(pk=release.pk, state=Release.State.BUILDING).exclude(finish_claimed_until=None).exists():
        time.sleep(_POLL)
