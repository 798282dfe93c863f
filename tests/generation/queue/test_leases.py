"""Transitions of an image under a lease: each says all of its conditions in one UPDATE."""

import dataclasses
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import psycopg
import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import User
from generation.media.storage import Outputs
from generation.models import MAX_ATTEMPTS, MAX_INTERRUPTIONS, Image, ImageState, QueueShare
from generation.queue import leases
from generation.services import retry_image
from tests.generation.fixtures import MakeImage
from tests.generation.requests import submit

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("toy")]


@pytest.fixture
def other() -> Iterator[psycopg.Connection]:
    """Another process's connection to the same database."""
    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": psycopg.Cursor}) as other:
        yield other


def _leased(author: User, at: datetime, **values: object) -> Image:
    submit(author, count=1, at=at)
    image = leases.claim(pool="default", worker="w", cap=lambda _: 1, at=at)[0]
    Image.objects.filter(pk=image.pk).update(**values)
    return image


@pytest.mark.parametrize(
    ("values", "state"),
    [
        ({"is_cancel_requested": True}, ImageState.CANCELLED),
        ({"interruptions": MAX_INTERRUPTIONS - 1}, ImageState.FAILED),
        ({"interruptions": MAX_INTERRUPTIONS - 2}, ImageState.QUEUED),
        ({"attempts": MAX_ATTEMPTS - 1}, ImageState.QUEUED),
        ({"is_cancel_requested": True, "interruptions": MAX_INTERRUPTIONS - 1}, ImageState.CANCELLED),
        ({}, ImageState.QUEUED),
    ],
)
def test_an_expired_lease_that_was_locked_goes_where_it_belongs_and_nowhere_else(
    alice: User, other: psycopg.Connection, values: dict[str, object], state: ImageState
) -> None:
    now = timezone.now()
    image = _leased(alice, now - timedelta(hours=1), **values)
    other.execute("SELECT 1 FROM generation_image WHERE id = %s FOR UPDATE", [image.pk])
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '5s'")
        assert leases.reap(at=now, failure="lost") == []
    image.refresh_from_db()
    assert image.state == ImageState.LEASED
    other.rollback()
    assert leases.reap(at=now, failure="lost") == ([] if state == ImageState.QUEUED else [image.pk])
    image.refresh_from_db()
    assert image.state == state


def test_a_lease_that_was_given_back_is_cancelled_where_its_author_asked_meanwhile(alice: User) -> None:
    now = timezone.now()
    image = _leased(alice, now, is_cancel_requested=True)
    given_back = leases.give_back(image_id=image.pk, lease_no=image.lease_no, failure="broken", at=now)
    assert given_back == ImageState.CANCELLED
    image.refresh_from_db()
    assert (image.state, image.failure) == (ImageState.CANCELLED, "")


def test_after_the_last_attempt_an_image_is_failed_and_may_be_tried_again(alice: User) -> None:
    now = timezone.now()
    image = _leased(alice, now, attempts=MAX_ATTEMPTS - 1, interruptions=4)
    given_back = leases.give_back(image_id=image.pk, lease_no=image.lease_no, failure="broken", at=now)
    assert given_back == ImageState.FAILED
    assert leases.give_back(image_id=image.pk, lease_no=image.lease_no, failure="broken", at=now) is None
    again = retry_image(image=image, author=alice)
    assert (again.state, again.attempts, again.interruptions) == (ImageState.QUEUED, 0, 0)
    assert again.screening_attempts == 0


def test_a_failure_and_a_death_are_counted_apart(alice: User) -> None:
    now = timezone.now()
    image = _leased(alice, now)
    leases.give_back(image_id=image.pk, lease_no=image.lease_no, failure="broken", at=now)
    image.refresh_from_db()
    assert (image.attempts, image.interruptions) == (1, 0)
    again = leases.claim(pool="default", worker="w", cap=lambda _: 1, at=now + timedelta(minutes=1))[0]
    assert leases.interrupt(leases=[(again.pk, again.lease_no)], failure="died", at=now) == [image.pk]
    image.refresh_from_db()
    assert (image.state, image.attempts, image.interruptions) == (ImageState.QUEUED, 1, 1)


def test_an_image_that_failed_is_drawn_alone_and_one_that_was_interrupted_is_not(alice: User) -> None:
    now = timezone.now()
    first = submit(alice, count=4, at=now).images.get(position=0)
    Image.objects.update(interruptions=1)
    Image.objects.filter(pk=first.pk).update(attempts=1)
    claimed = [
        {image.pk for image in leases.claim(pool="default", worker="w", cap=lambda _: 8, at=now)} for _batch in range(2)
    ]
    assert sorted(map(len, claimed)) == [1, 3]
    assert {first.pk} in claimed


def test_what_was_interrupted_is_charged_once_in_the_queue(alice: User) -> None:
    now = timezone.now()
    image = _leased(alice, now)
    charged = QueueShare.objects.get(author=alice).finished
    assert charged == image.cost_units
    leases.interrupt(leases=[(image.pk, image.lease_no)], failure="died", at=now)
    assert leases.claim(pool="default", worker="w", cap=lambda _: 1, at=now)
    assert QueueShare.objects.get(author=alice).finished == charged


def test_a_result_whose_answer_never_came_is_not_taken_for_a_lost_lease(alice: User, make_image: MakeImage) -> None:
    """The connection broke after the commit: the second call must not have the files deleted."""
    drawn = make_image(alice, state=ImageState.SCREENING)
    names = ("prefix", "jpeg_bytes", "png_sha256", "jpeg_sha256", "rendition_hash", "rendition_widths", "thumbhash",
             "placeholder", "pdq", "pdq_quality", "sharpness", "saturation", "lightness")  # fmt: skip
    outputs = Outputs(**{name: getattr(drawn, name) for name in names})
    assert leases.finish(image_id=drawn.pk, lease_no=1, outputs=outputs, bucket=1, versions={})
    other = dataclasses.replace(outputs, prefix=f"images/{drawn.pk}/7")
    assert not leases.finish(image_id=drawn.pk, lease_no=7, outputs=other, bucket=1, versions={})


def test_two_workers_that_claim_at_once_take_different_images(alice: User) -> None:
    now = timezone.now()
    submit(alice, count=8, at=now)
    barrier = threading.Barrier(4)

    def run(number: int) -> list[int]:
        try:
            barrier.wait(timeout=20)
            return [image.pk for image in leases.claim(pool="default", worker=str(number), cap=lambda _: 2, at=now)]
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as executor:
        claimed = [pk for batch in executor.map(run, range(4)) for pk in batch]
    assert len(claimed) == len(set(claimed)) == 8


def test_a_claim_names_the_lease_of_its_own_update_and_not_a_successors(
    alice: User, other: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.now()
    submit(alice, count=1, at=now)
    load = leases._load

    def overtaken(leased: dict[int, int], chosen: list[int]) -> list[Image]:
        other.execute("UPDATE generation_image SET lease_no = lease_no + 1")
        other.commit()
        return load(leased, chosen)

    monkeypatch.setattr(leases, "_load", overtaken)
    image = leases.claim(pool="default", worker="slow", cap=lambda _: 1, at=now)[0]
    assert image.lease_no == 1
    assert leases.give_back(image_id=image.pk, lease_no=image.lease_no, failure="late", at=now) is None


def test_a_check_names_the_lease_of_its_own_update(alice: User) -> None:
    now = timezone.now()
    image = _leased(alice, now, state=ImageState.GENERATED)
    assert leases.take_for_screening(image_id=image.pk, at=now) == (2, 1)
    assert leases.take_for_screening(image_id=image.pk, at=now) is None


def test_cancelling_ends_only_the_lease_that_the_worker_holds(alice: User) -> None:
    image = _leased(alice, timezone.now(), is_cancel_requested=True)
    assert leases.drop_cancelled(leases=[(image.pk, image.lease_no - 1)]) == 0
    assert leases.drop_cancelled(leases=[(image.pk, image.lease_no)]) == 1
