"""What runs beside the site: closing asks that ran out, and folding answers into what posts show."""

import contextlib
import errno
from typing import Any

from celery import shared_task
from django.core.cache import cache
from django.utils import timezone
from django.utils.translation import gettext as _

from lib.errors import Refused
from ratings import post_aspects
from ratings.asking import showing
from ratings.asking.pairs import counterparts
from ratings.benchmarks.results import refresh_results
from ratings.models import Benchmark, Release, ReleaseShard
from ratings.quality import flags as quality_flags
from ratings.releases import building, point_releases, previews
from ratings.releases import services as releases_services
from ratings.releases.engine.eligibility import ReleaseFilter
from ratings.research import reports

JUDGED = "ratings-judged-mark"  # the last rating and comparison whose raters were looked at
RATERS = 200  # at a time
RINGS = 200  # messages at a time; each finished shard rings for more


@shared_task(name="ratings.expire_asks")
def expire_asks() -> None:
    showing.expire_asks()


@shared_task(name="ratings.refresh_aspects")
def refresh_aspects() -> None:
    post_aspects.refresh_new_ratings()


@shared_task(name="ratings.refresh_aspects_of")
def refresh_aspects_of(images: list[int]) -> None:
    """Recomputes the posts of some images (ids), after answers were taken away."""
    for start in range(0, len(images), post_aspects.CHUNK):
        post_aspects.refresh_aspects(images=images[start : start + post_aspects.CHUNK])


@shared_task(name="ratings.judge_new_answers")
def judge_new_answers() -> None:
    """Looks at whoever answered since the last time. A forgotten mark only means that everybody is looked at."""
    rating, comparison = cache.get(JUDGED) or (0, 0)
    raters, *newest = quality_flags.raters_since(rating=rating, comparison=comparison)
    _judge_in_parts(raters)
    cache.set(JUDGED, newest, timeout=None)


@shared_task(name="ratings.judge_everybody")
def judge_everybody() -> None:
    """Once a day: restrictions and the site's own pace change what older answers look like."""
    _judge_in_parts(quality_flags.raters_active(at=timezone.now()))


@shared_task(name="ratings.judge_raters")
def judge_raters(raters: list[int]) -> None:
    images = quality_flags.judge_raters(raters=raters)
    if images:
        refresh_aspects_of.delay_on_commit(images)  # type: ignore[attr-defined]  # DjangoTask, not yet in celery-types


def _judge_in_parts(raters: list[int]) -> None:
    for start in range(0, len(raters), RATERS):
        judge_raters.delay_on_commit(raters[start : start + RATERS])  # type: ignore[attr-defined]  # as above


@shared_task(name="ratings.compute_reading")
def compute_reading(days: int) -> None:
    """Works out the Research pages of one period; how often is the schedule's business."""
    reports.compute_reading(days=days)


@shared_task(name="ratings.refresh_benchmarks")
def refresh_benchmarks() -> None:
    """The results of what is being judged, and the end of what is decided."""
    for benchmark in Benchmark.objects.filter(state=Benchmark.State.JUDGING).order_by("pk"):
        refresh_results(benchmark=benchmark)


@shared_task(name="ratings.make_counterparts")
def make_counterparts() -> None:
    """Through the night; the budget is COUNTERPARTS_A_NIGHT."""
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
