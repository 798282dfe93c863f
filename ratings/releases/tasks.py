"""Celery tasks of releases. Each loads what its ids name and calls one service."""

from typing import Any

from celery import shared_task

from ratings.releases import build_steps, previews
from ratings.releases import services as releases_services
from ratings.releases.engine.eligibility import ReleaseFilter
from ratings.releases.models import Release, ReleaseShard


@shared_task(name="ratings.plan_release")
def plan_release(release_id: int) -> None:
    build_steps.plan(release=Release.objects.get(pk=release_id))


@shared_task(name="ratings.count_preview")
def count_preview(chosen: dict[str, Any], kinds: list[str]) -> None:
    """Counts what a release of this filter (as JSON) would hold."""
    previews.count_preview(filter=ReleaseFilter.from_json(chosen), kinds=kinds)


@shared_task(name="ratings.build_shard")
def build_shard(shard_id: int) -> None:
    """A shard may be gone since it was queued: its rows were deleted, or its release was."""
    if shard := ReleaseShard.objects.select_related("release").filter(pk=shard_id).first():
        build_steps.build(shard=shard)


@shared_task(name="ratings.finish_release")
def finish_release(release_id: int) -> None:
    build_steps.finish(release=Release.objects.get(pk=release_id))


@shared_task(name="ratings.follow_release")
def follow_release(release_id: int) -> None:
    build_steps.follow(release=Release.objects.get(pk=release_id))


@shared_task(name="ratings.forget_deleted_pictures")
def forget_deleted_pictures() -> None:
    releases_services.forget_deleted_pictures()


@shared_task(name="ratings.discard_release")
def discard_release(release_id: int) -> None:
    releases_services.discard_release(release=Release.objects.get(pk=release_id))


@shared_task(name="ratings.continue_releases")
def continue_releases() -> None:
    build_steps.continue_releases()
