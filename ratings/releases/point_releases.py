"""Point releases: a published release again, without what was deleted or may not leave any more.

Rows, pseudonyms and untouched files are those of the release it follows, so that whoever holds a copy of that one
brings it up to date with the keys in ``tombstones.parquet`` alone.
"""

import re
from datetime import datetime
from pathlib import Path

from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from lib.errors import Refused
from lib.limits import check_rate
from ratings.models import Release, ReleaseShard, ReleaseTombstone
from ratings.releases.building import file_name
from ratings.releases.engine.planning import left
from ratings.releases.publishing import removal
from ratings.releases.publishing.destinations import check_folder, destination_of
from ratings.releases.services import refuse_if_lacking

FOLLOWED = (Release.State.PUBLISHED, Release.State.WITHDRAWN)


def plan_point_release(
    *,
    release: Release,
    destination: Path | None = None,
    created_by: User | None = None,
    at: datetime | None = None,
) -> Release:
    """Plans the release that follows `release` and withdraws that one; build it as any other.

    Its frozen rows move over, less what may not leave any more; only shards that lost a row are built anew.
    Raises Refused if `release` was not published, was followed already, or nothing trainable would be left.
    """
    now = at or timezone.now()
    if destination is not None:
        check_folder(destination)
    try:
        with transaction.atomic():
            previous = Release.objects.select_for_update().get(pk=release.pk)
            _refuse_unless_followed(previous)
            follower = _created(previous, destination, created_by, now)
            _copy(previous, follower)
            removal.drop_unfit(follower, now)
            refuse_if_lacking(follower.kinds, left(follower))
            Release.objects.filter(pk=previous.pk).update(state=Release.State.WITHDRAWN)
    except IntegrityError:
        message = _("A build into %(folder)s has begun already. Continue it with --resume.")
        raise Refused("destination_taken", message % {"folder": destination}, status=409) from None
    return follower


def _refuse_unless_followed(previous: Release) -> None:
    if previous.state not in FOLLOWED or previous.published_at is None:
        raise Refused("not_published", _("Only a release that was published can be followed."), status=409)
    follower = previous.point_releases.unfinished_or_published().first()
    if follower is not None:
        message = _("%(name)s follows it already; make a point release of that one.")
        raise Refused("followed", message % {"name": follower.name}, status=409)
    if not previous.shards.exists():
        raise Refused("nothing_left", _("Nothing of this release is left. Begin a new one."), status=409)


def _created(previous: Release, destination: Path | None, created_by: User | None, now: datetime) -> Release:
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
    base, number = re.fullmatch(r"(.*?)(?:\.p(\d+))?", name, re.DOTALL).groups()  # type: ignore[union-attr]
    return f"{base[:110]}.p{int(number or 0) + 1}"


def _copy(previous: Release, follower: Release) -> None:
    """Copies shards, blocks and tombstones; an untouched shard remembers what its file was called."""
    for shard in previous.shards.order_by("pk"):
        is_whole = shard.built_at is not None
        copy = ReleaseShard.objects.create(
            release=follower,
            kind=shard.kind,
            split=shard.split,
            index=shard.index,
            of=shard.of,
            rows=shard.rows,
            sha256=shard.sha256 if is_whole else "",
            copied_from=file_name(shard) if is_whole else "",
        )
        with connection.cursor() as cursor:
            cursor.execute(_COPY_BLOCKS, [copy.pk, shard.pk])
    ReleaseTombstone.objects.bulk_create(
        ReleaseTombstone(release=follower, kind=stone.kind, key=stone.key, gone_on=stone.gone_on)
        for stone in previous.tombstones.order_by("pk").iterator()
    )


_COPY_BLOCKS = """INSERT INTO ratings_releaseblock (shard_id, position, rows, raters, images, data)
 SELECT %s, position, rows, raters, images, data FROM ratings_releaseblock WHERE shard_id = %s"""


def scrub(*, release: Release) -> None:
    """Deletes, of a withdrawn release in the store, every file that may hold what was deleted.

    What is left are files that a point release copies; `discard_release` removes them once it has.
    """
    whole = {file_name(shard) for shard in release.shards.exclude(built_at=None)}
    if release.state == Release.State.WITHDRAWN and not release.destination:
        destination = destination_of(release)
        for name in set(destination.names()) - whole:
            destination.delete(name)


def start_point_release(*, release: Release, created_by: User, at: datetime | None = None) -> Release:
    """Plans the point release into the store and lets the workers build it; raises as `plan_point_release` does."""
    from ratings.tasks import ring_release  # the tasks call back into this module

    check_rate(key=f"release:{created_by.pk}", limit=20, seconds=3600)
    follower = plan_point_release(release=release, created_by=created_by, at=at)
    ring_release(follower)
    return follower
