"""Point releases: a published release again, without rows that were deleted or may no longer be published.

Rows, pseudonyms and unchanged files are those of the release it follows. So a copy of that release can be updated with
nothing but the keys in ``tombstones.parquet``.
"""

from datetime import datetime
from pathlib import Path

from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from lib.errors import Refused
from lib.limits import check_rate
from ratings.releases.building import file_name
from ratings.releases.engine.planning import count_remaining
from ratings.releases.models import Release, ReleaseShard, ReleaseTombstone
from ratings.releases.publishing import removal
from ratings.releases.publishing.destinations import check_folder, destination_of
from ratings.releases.services import enqueue_next_step, folder_taken, refuse_if_empty

WAS_PUBLISHED = (Release.State.PUBLISHED, Release.State.WITHDRAWN)


def plan_point_release(
    *,
    release: Release,
    destination: Path | None = None,
    created_by: User | None = None,
    at: datetime | None = None,
) -> Release:
    """Plans the release that follows `release`, and withdraws `release`.

    Its planned rows are copied, except those that may no longer be published; only shards that lost a row are built
    again. Raises Refused if `release` was not published or has a follower, or nothing trainable would remain.
    """
    now = at or timezone.now()
    if destination is not None:
        check_folder(destination)
    try:
        with transaction.atomic():
            previous = Release.objects.select_for_update().get(pk=release.pk)
            _check_can_be_followed(previous)
            follower = _create_follower(previous, destination, created_by, now)
            _copy_plan(previous, follower)
            removal.remove_ineligible_rows(follower, now)
            refuse_if_empty(follower.kinds, count_remaining(follower))
            Release.objects.filter(pk=previous.pk).update(state=Release.State.WITHDRAWN)
    except IntegrityError:
        raise folder_taken(destination) from None
    return follower


def _check_can_be_followed(previous: Release) -> None:
    if previous.state not in WAS_PUBLISHED or previous.published_at is None:
        raise Refused("not_published", _("Only a published release can have a point release."), status=409)
    follower = previous.point_releases.unfinished_or_published().first()
    if follower is not None:
        message = _("%(name)s follows it already. Make a point release of that one.")
        raise Refused("followed", message % {"name": follower.name}, status=409)
    if not previous.shards.exists():
        raise Refused("nothing_left", _("Nothing of this release is left. Start a new one."), status=409)


def _create_follower(previous: Release, destination: Path | None, created_by: User | None, now: datetime) -> Release:
    return Release.objects.create(
        name=next_name(previous.name),
        created_by=created_by or previous.created_by,
        kinds=previous.kinds,
        filter=previous.filter,
        destination=str(destination or ""),
        state=Release.State.BUILDING,
        plan=previous.plan,
        as_of=previous.as_of,
        created_at=now,
        parent=previous,
    )


def next_name(name: str) -> str:
    """``salon-pickapic-2026.11.22`` is followed by ``….p1``, that by ``….p2``."""
    base, _point, number = name.rpartition(".p")
    if not (base and number.isdecimal()):
        base, number = name, "0"
    return f"{base[:110]}.p{int(number) + 1}"


def _copy_plan(previous: Release, follower: Release) -> None:
    """Copies shards, blocks and tombstones; an unchanged shard keeps the name of its file."""
    for shard in previous.shards.order_by("pk"):
        is_unchanged = shard.built_at is not None
        copy = ReleaseShard.objects.create(
            release=follower,
            kind=shard.kind,
            split=shard.split,
            index=shard.index,
            of=shard.of,
            rows=shard.rows,
            sha256=shard.sha256 if is_unchanged else "",
            copied_from=file_name(shard) if is_unchanged else "",
        )
        with connection.cursor() as cursor:
            cursor.execute(_COPY_BLOCKS, [copy.pk, shard.pk])
    ReleaseTombstone.objects.bulk_create(
        ReleaseTombstone(release=follower, kind=row.kind, key=row.key, gone_on=row.gone_on)
        for row in previous.tombstones.order_by("pk").iterator()
    )


_COPY_BLOCKS = """INSERT INTO ratings_releaseblock (shard_id, position, rows, raters, images, data)
 SELECT %s, position, rows, raters, images, data FROM ratings_releaseblock WHERE shard_id = %s"""


def delete_stale_files(*, release: Release) -> None:
    """Deletes every file of a withdrawn release in the store that may hold deleted rows.

    The point release copies the rest; `discard_release` deletes them afterwards.
    """
    unchanged = {file_name(shard) for shard in release.shards.exclude(built_at=None)}
    if release.state == Release.State.WITHDRAWN and not release.destination:
        destination = destination_of(release)
        for name in set(destination.names()) - unchanged:
            destination.delete(name)


def start_point_release(*, release: Release, created_by: User, at: datetime | None = None) -> Release:
    """Plans a point release into the store; workers build it. Raises Refused as `plan_point_release` does."""
    check_rate(key=f"release:{created_by.pk}", limit=20, seconds=3600)
    follower = plan_point_release(release=release, created_by=created_by, at=at)
    enqueue_next_step(follower)
    return follower
