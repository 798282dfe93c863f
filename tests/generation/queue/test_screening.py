"""Screening a finished image, and what happens where its check never ends."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from accounts.models import User
from generation.models import MAX_SCREENINGS, ImageState
from generation.queue import leases, screening
from moderation.models import Case, Screening
from tests.generation.fixtures import MakeImage

pytestmark = pytest.mark.django_db


def test_an_image_whose_check_never_ends_is_held_for_a_moderator(
    alice: User, make_image: MakeImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_arguments: object) -> None:
        raise MemoryError("poison")

    monkeypatch.setattr(screening, "screen_image", broken)
    image, now = make_image(alice, state=ImageState.GENERATED), timezone.now()
    for _attempt in range(MAX_SCREENINGS):
        with pytest.raises(MemoryError):
            screening.check_image(image_id=image.pk, at=now)
        now += timedelta(hours=1)
        leases.reap(at=now, failure="")
        assert screening.unchecked_ids() == [image.pk]
    assert screening.check_image(image_id=image.pk, at=now) == ImageState.HELD
    image.refresh_from_db()
    assert (image.state, image.is_public) == (ImageState.HELD, False)
    assert "check did not finish" in image.message()
    assert screening.unchecked_ids() == []
    assert Screening.objects.get(target_id=image.pk).verdict == Screening.Verdict.HOLD
    assert Case.objects.filter(target_id=image.pk).count() == 1
    assert alice.notifications.filter(kind="image.held").count() == 1


def test_a_check_is_put_off_while_the_store_is_away_and_counts_nothing(
    alice: User, make_image: MakeImage, media: Path
) -> None:
    image, now = make_image(alice, state=ImageState.GENERATED), timezone.now()
    stored = media / "images"
    stored.rename(media / "away")
    stored.write_text("a file where a folder must be")
    for _attempt in range(MAX_SCREENINGS + 2):
        assert screening.check_image(image_id=image.pk, at=now) is None
        assert screening.unchecked_ids() == [image.pk]
    stored.unlink()
    (media / "away").rename(stored)
    assert screening.check_image(image_id=image.pk, at=now) == ImageState.READY
