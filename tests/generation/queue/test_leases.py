"""Transitions of an image under a lease: each says all of its conditions in one UPDATE."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import psycopg
import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import User
from generation.models import MAX_ATTEMPTS, Image, ImageState
from generation.queue import leases
from generation.services import retry_image
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
        ({"attempts": MAX_ATTEMPTS}, ImageState.FAILED),
        ({"is_cancel_requested": True, "attempts": MAX_ATTEMPTS}, ImageState.CANCELLED),
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
    image = _leased(alice, now, attempts=MAX_ATTEMPTS)
    given_back = leases.give_back(image_id=image.pk, lease_no=image.lease_no, failure="broken", at=now)
    assert given_back == ImageState.FAILED
    assert leases.give_back(image_id=image.pk, lease_no=image.lease_no, failure="broken", at=now) is None
    again = retry_image(image=image, author=alice)
    assert (again.state, again.attempts, again.screening_attempts) == (ImageState.QUEUED, 0, 0)


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
