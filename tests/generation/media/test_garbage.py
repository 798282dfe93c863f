"""Files that no row names are deleted; everything else stays."""

from datetime import timedelta

from django.utils import timezone

from accounts.models import User
from generation.media import storage
from generation.media.garbage import SETTLED_FOR, collect_garbage
from generation.models import ImageState
from tests.generation.fixtures import MakeImage


def test_files_of_a_lost_lease_are_deleted_and_those_of_the_row_stay(alice: User, make_image: MakeImage) -> None:
    now = timezone.now()
    image = make_image(alice, at=now - timedelta(days=1))
    storage.write(f"images/{image.pk}/9/original.png", b"late")
    assert collect_garbage(first_id=0, at=now) is None
    assert storage.folders(f"images/{image.pk}") == ["1"]
    assert storage.original_png(image)


def test_files_of_a_row_that_a_worker_may_still_write_for_stay(alice: User, make_image: MakeImage) -> None:
    now = timezone.now()
    young = make_image(alice, at=now - SETTLED_FOR / 2)
    drawn = make_image(alice, at=now - timedelta(days=1), state=ImageState.LEASED)
    for image in (young, drawn):
        storage.write(f"images/{image.pk}/9/original.png", b"new")
    collect_garbage(first_id=0, at=now)
    for image in (young, drawn):
        assert sorted(storage.folders(f"images/{image.pk}")) == ["1", "9"]
