"""Celery tasks. Each takes ids and calls one service; config.settings says how often."""

import contextlib
import errno
from typing import Any

from celery import shared_task
from django.utils import timezone
from django.utils.translation import gettext as _

from lib.errors import Refused
from ratings.asking import counterparts
from ratings.asking import services as asking_services
from ratings.benchmarks.results import refresh_results
from ratings.models import Benchmark, Release, ReleaseShard
from ratings.quality import flags as quality_flags
from ratings.quality import post_aspects
from ratings.releases import building, point_releases, previews
from ratings.releases import services as releases_services
from ratings.releases.engine.eligibility import ReleaseFilter
from ratings.research import reports

RINGS = 200  # messages at a time; each finished shard rings for more


@shared_task(name="ratings.expire_asks")
def expire_asks() -> None:
    asking_services.expire_asks()


@shared_task(name="ratings.refresh_aspects")
def refresh_aspects() -> None:
    post_aspects.refresh_new_ratings()


@shared_task(name="ratings.refresh_aspects_of")
def refresh_aspects_of(images: list[int]) -> None:
    """Recomputes the posts of some images (ids), after answers were taken away."""
    post_aspects.refresh_aspects_in_chunks(images=images)


@shared_task(name="ratings.judge_new_answers")
def evaluate_new_answers() -> None:
    """Updates the flags of members who answered since the last time."""
    raters, newest = quality_flags.raters_since_mark()
    _evaluate_in_parts(raters)
    quality_flags.save_mark(newest)  # last, so that a lost broker loses nobody


@shared_task(name="ratings.judge_everybody")
def evaluate_all_raters() -> None:
    """Once a day, as restrictions and the site's medians change the flags of older answers."""
    _evaluate_in_parts(quality_flags.raters_active(at=timezone.now()))


@shared_task(name="ratings.judge_raters")
def evaluate_raters(raters: list[int]) -> None:
    images = quality_flags.evaluate_raters(raters=raters)
    if images:
        refresh_aspects_of.delay_on_commit(images)  # type: ignore[attr-defined]  # DjangoTask, not yet in celery-types


def _evaluate_in_parts(raters: list[int]) -> None:
    size = quality_flags.RATERS
    for start in range(0, len(raters), size):
        evaluate_raters.delay_on_commit(raters[start : start + size])  # type: ignore[attr-defined]  # as above


@shared_task(name="ratings.compute_reading")
def compute_snapshot(days: int) -> None:
    """Computes the figures of the Research pages for one period."""
    reports.compute_snapshot(days=days)


@shared_task(name="ratings.refresh_benchmarks")
def refresh_benchmarks() -> None:
    """Updates the results of open benchmarks and closes those that are decided."""
    for benchmark in Benchmark.objects.filter(state=Benchmark.State.VOTING).order_by("pk"):
        refresh_results(benchmark=benchmark)


@shared_task(name="ratings.make_counterparts")
def make_counterparts() -> None:
    counterparts.make_counterparts()


@shared_task(name="ratings.show_counterparts")
def show_counterparts() -> None:
    counterparts.show_counterparts()


@shared_task(name="ratings.plan_release")
def plan_release(release_id: int) -> None:
    """Freezes what a release will hold, then lets its shards be built. A refusal is kept on the release."""
    release = Release.objects.get(pk=release_id)
    with contextlib.suppress(Refused):
        releases_services.freeze_plan(release=release)
    ring_release(release)


@shared_task(name="ratings.count_preview")
def count_preview(chosen: dict[str, Any], kinds: list[str]) -> None:
    """Counts what a release of this filter (as JSON) would hold."""
    previews.count_preview(filter=ReleaseFilter.from_json(chosen), kinds=kinds)


@shared_task(name="ratings.build_shard")
def build_shard(shard_id: int) -> None:
    """Builds a shard. A full disk ends the release with a sentence; other trouble is tried again by and by."""
    shard = ReleaseShard.objects.select_related("release").filter(pk=shard_id).first()
    if shard is None:
        return
    try:
        is_built = building.build_shard(shard=shard)
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            raise
        releases_services.fail_release(
            release=shard.release, why=_("There is no space left to build it. Free some and begin again.")
        )
        return
    if is_built:
        ring_release(shard.release)


@shared_task(name="ratings.finish_release")
def finish_release(release_id: int) -> None:
    """Publishes a release, or has the shards built again whose rows may no longer leave."""
    release = Release.objects.get(pk=release_id)
    with contextlib.suppress(Refused):
        if not building.finish_release(release=release):
            ring_release(release)


@shared_task(name="ratings.follow_release")
def follow_release(release_id: int) -> None:
    """The point release after a deletion: what was deleted goes at once, the rest is published again without it."""
    release = Release.objects.get(pk=release_id)
    point_releases.scrub(release=release)
    try:
        follower = point_releases.plan_point_release(release=release)
    except Refused:
        if not Release.objects.filter(parent=release).exists():
            releases_services.discard_release(release=release)  # nothing trainable is left of it
        return
    ring_release(follower)


@shared_task(name="ratings.forget_deleted_pictures")
def forget_deleted_pictures() -> None:
    releases_services.forget_deleted_pictures()


@shared_task(name="ratings.discard_release")
def discard_release(release_id: int) -> None:
    releases_services.discard_release(release=Release.objects.get(pk=release_id))


@shared_task(name="ratings.continue_releases")
def continue_releases() -> None:
    """Rings again for the store's unfinished releases, so that a lost message or worker costs a minute."""
    for release in Release.objects.unfinished().filter(destination="").order_by("pk")[:20]:
        if release.state == Release.State.REQUESTED:
            plan_release.delay(release.pk)
        else:
            ring_release(release)


def ring_release(release: Release) -> None:
    """Asks workers for the shards that nobody builds, or for the last step once there are none left."""
    unbuilt = ReleaseShard.objects.unbuilt().filter(release=release, release__state=Release.State.BUILDING)
    if unbuilt.exists():
        waiting = ReleaseShard.objects.claimable(timezone.now()).filter(release=release).order_by("pk")
        for shard_id in waiting.values_list("pk", flat=True)[:RINGS]:
            build_shard.delay_on_commit(shard_id)  # type: ignore[attr-defined]  # DjangoTask, not yet in celery-types
    elif Release.objects.filter(pk=release.pk, state=Release.State.BUILDING).exists():
        finish_release.delay_on_commit(release.pk)  # type: ignore[attr-defined]  # DjangoTask, not yet in celery-types
