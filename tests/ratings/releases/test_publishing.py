"""Publishing a finished release: one scan of its blocks, no lock while the store is written, no stale release."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage
from django.db import connection, connections
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import User
from generation.models import Image
from ratings.models import Release
from ratings.releases import build_steps, building
from ratings.releases import services as releases_services
from ratings.releases.engine.eligibility import ReleaseFilter
from tests.ratings.releases.community import Pair

DURING_WRITE: list[Callable[[], None]] = []


class ObservedStorage(FileSystemStorage):
    """A store that does something else, once, while the dataset card is written."""

    def save(self, name: str | None, content: Any, max_length: int | None = None) -> str:
        if DURING_WRITE and str(name).endswith("README.md"):
            DURING_WRITE.pop()()
        return super().save(name, content, max_length)


@pytest.fixture
def observed_store(settings: Settings) -> Any:
    backend = f"{__name__}.{ObservedStorage.__name__}"
    stored = {"BACKEND": backend, "OPTIONS": {"location": settings.RELEASES_ROOT}}
    settings.STORAGES = {**settings.STORAGES, "releases": stored}
    yield DURING_WRITE
    DURING_WRITE.clear()


def built_shards() -> Release:
    """A release in the store that lacks only its last files."""
    release = releases_services.plan_release(filter=ReleaseFilter(), kinds=("pairs", "votes"))
    for shard in release.shards.order_by("pk"):
        assert building.build_shard(shard=shard)
    return release


@pytest.mark.django_db(transaction=True)
def test_no_lock_is_held_while_the_store_is_written(community: Any, observed_store: list[Callable[[], None]]) -> None:
    """Another connection locks the release, as whoever cancels it would, and is not made to wait."""
    release = built_shards()
    locked: list[int] = []

    def lock_elsewhere() -> None:
        other = connections.create_connection("default")
        try:
            with other.cursor() as cursor:
                cursor.execute("SELECT id FROM ratings_release WHERE id = %s FOR UPDATE NOWAIT", [release.pk])
                locked.extend(pk for (pk,) in cursor.fetchall())
        finally:
            other.close()

    observed_store.append(lock_elsewhere)
    assert building.finish_release(release=release)
    assert locked == [release.pk]


@pytest.mark.django_db
def test_a_row_deleted_while_the_last_files_are_written_is_not_published(
    community: dict[str, list[Pair]], observed_store: list[Callable[[], None]]
) -> None:
    release = built_shards()
    doomed = community["train"][0][0]

    def delete_picture() -> None:
        Image.objects.filter(pk=doomed.pk).update(is_prompt_hidden=True)
        assert releases_services.forget(members=set(), pictures={doomed.pk}) > 0

    observed_store.append(delete_picture)
    assert not building.finish_release(release=release)
    release.refresh_from_db()
    assert release.state == Release.State.BUILDING
    building.build_release(release=release)
    assert release.manifest["rows"]["pairs"]["train"] == 3


@pytest.mark.django_db
def test_a_release_cancelled_while_the_last_files_are_written_stays_cancelled(
    community: Any, observed_store: list[Callable[[], None]]
) -> None:
    release = built_shards()

    def cancel() -> None:
        assert releases_services.cancel_release(release=release)

    observed_store.append(cancel)
    assert not building.finish_release(release=release)
    release.refresh_from_db()
    assert release.state == Release.State.CANCELLED


@pytest.mark.django_db
def test_one_process_publishes_at_a_time_and_a_dead_one_is_replaced(community: Any) -> None:
    release, now = built_shards(), timezone.now()
    dead = building.PublishingClaim(release, now)
    assert dead.is_held
    assert not building.finish_release(release=release, at=now)
    assert building.finish_release(release=release, at=now + building.CLAIM)
    with pytest.raises(building.ClaimLostError):
        dead.renew()


@pytest.mark.django_db
def test_a_release_that_another_worker_publishes_queues_nothing(
    community: Any, django_capture_on_commit_callbacks: Any
) -> None:
    """Else two workers would queue the last step for each other until one of them is done."""
    release = built_shards()
    assert building.PublishingClaim(release, timezone.now()).is_held
    with django_capture_on_commit_callbacks() as queued:
        build_steps.finish(release=release)
    assert queued == []


@pytest.mark.django_db
def test_blocks_are_read_once_when_a_release_is_published(community: Any, alice: User) -> None:
    """Card, listings, checksums and manifest are written from one scan, also where several formats name pictures."""
    User.objects.filter(pk=alice.pk).update(is_simulated=True)
    kinds = ("pairs", "kto", "imagereward", "hpsv2")
    release = releases_services.plan_release(filter=ReleaseFilter(), kinds=kinds)
    for shard in release.shards.order_by("pk"):
        assert building.build_shard(shard=shard)
    scans = []

    def count(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if '"ratings_releaseblock"."data"' in sql:
            scans.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(count):
        assert building.finish_release(release=release)
    assert len(scans) == 1
    release.refresh_from_db()
    assert release.manifest["pictures"] == 14
    assert release.manifest["simulated_rows"] == sum(release.shards.values_list("rows", flat=True))
