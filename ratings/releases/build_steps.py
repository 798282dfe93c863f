"""What workers do for releases in the store: one step, then queue the next. A refusal ends a release, not a worker."""

import contextlib
import errno

from django.utils.translation import gettext as _

from lib.errors import Refused
from lib.tasks import enqueue_on_commit
from ratings.releases import building, point_releases
from ratings.releases import services as releases_services
from ratings.releases.models import Release, ReleaseShard

DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
MOST_CONTINUED = 20  # releases at a time


def plan(*, release: Release) -> None:
    """Plans a release and queues its shards; a refusal is stored on the release."""
    with contextlib.suppress(Refused):
        releases_services.write_plan(release=release)
    releases_services.enqueue_next_step(release)


def build(*, shard: ReleaseShard) -> None:
    """Builds a shard and queues the next step. A full disk ends the release; other errors are raised and retried."""
    try:
        is_built = building.build_shard(shard=shard)
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        why = _("There was no space left to build the release. Free some space and start it again.")
        releases_services.fail_release(release=shard.release, why=why)
        return
    if is_built:
        releases_services.enqueue_next_step(shard.release)


def finish(*, release: Release) -> None:
    """Publishes a release, or queues the shards whose rows may no longer be published."""
    with contextlib.suppress(Refused):
        if not building.finish_release(release=release):
            releases_services.enqueue_shards(release)


def follow(*, release: Release) -> None:
    """After a deletion: deletes the files concerned at once, and starts a point release without the rows."""
    point_releases.delete_stale_files(release=release)
    try:
        follower = point_releases.plan_point_release(release=release)
    except Refused:
        if not Release.objects.filter(parent=release).exists():
            releases_services.discard_release(release=release)  # no trainable row is left
        return
    releases_services.enqueue_next_step(follower)


def continue_releases() -> None:
    """Queues the next step of unfinished releases again, so that a lost message or worker costs a minute."""
    for release in Release.objects.unfinished().filter(destination="").order_by("pk")[:MOST_CONTINUED]:
        if release.state == Release.State.REQUESTED:
            enqueue_on_commit("ratings.plan_release", release.pk)
        else:
            releases_services.enqueue_next_step(release)
