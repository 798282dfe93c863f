"""The check of an upload: nothing is drawn from it before, and what was asked for meanwhile waits for its outcome."""

import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import PIL.Image
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import User
from generation import services
from generation.media import storage
from generation.models import Checkpoint, Generation, Image, ImageState, Upload
from generation.queue import queries
from generation.queue.screening import CHECK_AGAIN, MAX_UPLOAD_CHECKS, check_upload, unchecked_uploads
from generation.requests.pictures import Opened, Pictures
from lib.content_levels import ContentLevel
from lib.errors import NotFound
from moderation.models import Screening
from moderation.policy import Reason
from moderation.screening.checkers import Picture
from moderation.screening.observations import Label, Observation
from tests.conftest import ApiAs
from tests.generation.requests import submit

HERE = "tests.generation.queue.test_upload_checks"
ROLES = ("source", "mask")


def shows_nudity(_picture: Picture) -> list[Observation]:
    return [Observation("nudity", "1", Label.EXPLICIT, 0.7, Reason.SEXUAL)]


def forbids(_picture: Picture) -> list[Observation]:
    return [Observation("forbids", "1", Label.FORBIDDEN, 1.0, Reason.SEXUAL)]


def breaks(_picture: Picture) -> list[Observation]:
    raise RuntimeError("no model")


def source() -> ContentFile[bytes]:
    """White, so that it serves as a mask too."""
    stream = io.BytesIO()
    PIL.Image.new("RGB", (64, 64), "white").save(stream, "PNG")
    return ContentFile(stream.getvalue(), "source.png")


def asked_with(role: str, author: User) -> tuple[Generation, Upload]:
    """A request that uses an unchecked upload in a role."""
    upload = services.upload_picture(author=author, file=source())
    pictures: dict[str, dict[str, Any]] = {
        "source": {"source_upload": upload},
        "mask": {"source_file": source(), "mask": upload},
    }
    asked = submit(author, checkpoint="tiny", idempotency_key=role, count=1, **pictures[role])
    for other in Upload.objects.exclude(pk=upload.pk):
        check_upload(upload_id=other.pk)
    return asked, upload


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("role", ROLES)
def test_nothing_is_drawn_from_an_upload_before_its_check(role: str, alice: User, tiny_checkpoint: Checkpoint) -> None:
    from generation.queue import worker

    asked, upload = asked_with(role, alice)
    other = submit(alice, checkpoint="tiny", idempotency_key="other", count=1)
    for _twice in range(2):
        worker.drain(pool="default", worker="inline")
    states = dict(Image.objects.values_list("generation_id", "state"))
    assert states == {asked.pk: ImageState.QUEUED, other.pk: ImageState.GENERATED}
    assert queries.pools_waiting(timezone.now()) == [], "nobody is woken for what may not be drawn yet"
    assert check_upload(upload_id=upload.pk) == Upload.State.READY
    assert queries.pools_waiting(timezone.now()) == ["default"]
    worker.drain(pool="default", worker="inline")
    assert asked.images.get().state == ImageState.GENERATED


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("role", ROLES)
def test_what_waits_for_a_refused_upload_fails_and_costs_nothing(
    role: str, alice: User, tiny_checkpoint: Checkpoint, settings: Settings, api_as: ApiAs
) -> None:
    asked, upload = asked_with(role, alice)
    settings.MODERATION_IMAGE_CHECKERS = [f"{HERE}.forbids"]
    assert check_upload(upload_id=upload.pk) == Upload.State.REFUSED
    image, answer = asked.images.get(), api_as(alice).get(f"/api/uploads/{upload.public_id}/").json()
    assert (image.state, answer["state"]) == (ImageState.FAILED, "refused")
    assert image.failure == answer["failure"] != ""
    assert not Image.objects.charged(alice, asked.submitted_at - timedelta(days=1)).exists()
    assert not default_storage.exists(upload.file)
    assert Screening.objects.get(verdict=Screening.Verdict.HOLD).author == alice
    with pytest.raises(NotFound):
        submit(alice, checkpoint="tiny", idempotency_key="again", source_upload=upload)
    assert check_upload(upload_id=upload.pk) is None
    services.delete_upload(upload=upload, author=alice)
    again = services.retry_image(image=image, author=alice)
    if role == "source":
        from generation.queue import worker

        worker.drain(pool="default", worker="inline")
        again.refresh_from_db()
        assert again.state == ImageState.FAILED


@pytest.mark.django_db
@pytest.mark.parametrize("role", ROLES)
def test_the_level_that_a_check_finds_is_that_of_what_waits(
    role: str, alice: User, tiny_checkpoint: Checkpoint, settings: Settings
) -> None:
    asked, upload = asked_with(role, alice)
    assert asked.images.get().content_level == ContentLevel.GENERAL
    settings.MODERATION_IMAGE_CHECKERS = [f"{HERE}.shows_nudity"]
    assert check_upload(upload_id=upload.pk) == Upload.State.READY
    assert asked.images.get().content_level == ContentLevel.MATURE
    later = submit(alice, checkpoint="tiny", idempotency_key="later", source_upload=upload, count=1)
    assert later.images.get().content_level == ContentLevel.MATURE


@pytest.mark.django_db
def test_a_check_that_ends_while_a_request_is_written_down_counts(
    alice: User, tiny_checkpoint: Checkpoint, settings: Settings
) -> None:
    upload, now = services.upload_picture(author=alice, file=source()), timezone.now()
    opened = Opened.of(Pictures(source=upload), alice, now)
    settings.MODERATION_IMAGE_CHECKERS = [f"{HERE}.shows_nudity"]
    check_upload(upload_id=upload.pk)
    assert opened.lock_uploads() == ContentLevel.MATURE
    Upload.objects.update(state=Upload.State.REFUSED)
    with pytest.raises(NotFound):
        opened.lock_uploads()


@pytest.mark.django_db
def test_checkers_that_fail_are_asked_again_and_then_the_upload_is_refused(alice: User, settings: Settings) -> None:
    upload, now = services.upload_picture(author=alice, file=source()), timezone.now()
    settings.MODERATION_IMAGE_CHECKERS = [f"{HERE}.breaks"]
    for _check in range(MAX_UPLOAD_CHECKS - 1):
        assert unchecked_uploads(now) == [upload.pk]
        assert check_upload(upload_id=upload.pk, at=now) is None
        assert unchecked_uploads(now) == [], "it is not asked for at once again"
        assert check_upload(upload_id=upload.pk, at=now) is None
        now += CHECK_AGAIN
    assert Upload.objects.get().state == Upload.State.CHECKING
    assert check_upload(upload_id=upload.pk, at=now) == Upload.State.REFUSED
    assert "Try again" in Upload.objects.get().failure


@pytest.mark.django_db
def test_a_store_that_is_away_puts_the_check_off(alice: User, media: Path) -> None:
    upload, now = services.upload_picture(author=alice, file=source()), timezone.now()
    stored = media / "uploads"
    stored.rename(media / "away")
    stored.write_text("a file where a folder must be")
    for _check in range(MAX_UPLOAD_CHECKS + 2):
        assert check_upload(upload_id=upload.pk, at=now) is None
        now += CHECK_AGAIN
    stored.unlink()
    (media / "away").rename(stored)
    assert check_upload(upload_id=upload.pk, at=now) == Upload.State.READY


@pytest.mark.django_db
def test_a_check_that_never_comes_to_an_end_is_given_up(alice: User) -> None:
    upload, now = services.upload_picture(author=alice, file=source()), timezone.now()
    storage.write(upload.file, b"no picture any more")
    for _check in range(MAX_UPLOAD_CHECKS):
        with pytest.raises(PIL.UnidentifiedImageError):
            check_upload(upload_id=upload.pk, at=now)
        now += CHECK_AGAIN
    assert check_upload(upload_id=upload.pk, at=now) == Upload.State.REFUSED
