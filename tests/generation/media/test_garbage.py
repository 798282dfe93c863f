"""Files that no row names are deleted; everything else stays."""

from datetime import timedelta

from django.utils import timezone

from accounts.models import User
from generation.media import storage
from generation.media.garbage import DRAFTS_FOR, LOOK_BACK, SETTLED_FOR, collect_garbage, delete_drafts
from generation.models import Generation, Image, ImageState
from tests.generation.fixtures import MakeImage


def _try_again(image: Image) -> None:
    Image.objects.filter(pk=image.pk).update(interruptions=1)


def test_files_of_a_lost_lease_are_deleted_and_those_of_the_row_stay(alice: User, make_image: MakeImage) -> None:
    now = timezone.now()
    image = make_image(alice, at=now - timedelta(days=1))
    _try_again(image)
    storage.write(f"images/{image.pk}/9/original.png", b"late")
    assert collect_garbage(first_id=0, at=now) is None
    assert storage.folders(f"images/{image.pk}") == ["1"]
    assert storage.original_png(image)


def test_the_store_is_not_asked_about_images_that_were_drawn_at_once_or_long_ago(
    alice: User, make_image: MakeImage
) -> None:
    now = timezone.now()
    at_once = make_image(alice, at=now - timedelta(days=1))
    Image.objects.filter(pk=at_once.pk).update(attempts=0)
    long_ago = make_image(alice, at=now - LOOK_BACK - timedelta(days=1))
    _try_again(long_ago)
    for image in (at_once, long_ago):  # nothing puts such files there: they show that nobody looked
        storage.write(f"images/{image.pk}/9/original.png", b"late")
    collect_garbage(first_id=0, at=now)
    for image in (at_once, long_ago):
        assert sorted(storage.folders(f"images/{image.pk}")) == ["1", "9"]


def test_files_of_a_row_that_a_worker_may_still_write_for_stay(alice: User, make_image: MakeImage) -> None:
    now = timezone.now()
    young = make_image(alice, at=now - SETTLED_FOR / 2)
    drawn = make_image(alice, at=now - timedelta(days=1), state=ImageState.LEASED)
    for image in (young, drawn):
        _try_again(image)
        storage.write(f"images/{image.pk}/9/original.png", b"new")
    collect_garbage(first_id=0, at=now)
    for image in (young, drawn):
        assert sorted(storage.folders(f"images/{image.pk}")) == ["1", "9"]


def test_old_drafts_are_deleted_unless_somebody_keeps_them_or_draws_from_them(
    alice: User, make_image: MakeImage
) -> None:
    now = timezone.now()
    kinds = ("left", "new", "favourite", "published", "drawn from", "drawn from before", "no draft")
    images = {
        kind: make_image(alice, at=now - (timedelta(hours=1) if kind == "new" else DRAFTS_FOR * 2)) for kind in kinds
    }
    drafts = Generation.objects.exclude(pk=images["no draft"].generation_id)
    drafts.filter(images__in=images.values()).update(is_draft=True)
    Image.objects.filter(pk=images["favourite"].pk).update(is_favourite=True)
    Image.objects.filter(pk=images["published"].pk).update(is_public=True)
    for kind, state in (("drawn from", ImageState.QUEUED), ("drawn from before", ImageState.READY)):
        final = make_image(alice)
        Image.objects.filter(pk=final.pk).update(state=state)
        Generation.objects.filter(pk=final.generation_id).update(source_image=images[kind])

    assert delete_drafts(at=now) == 2
    gone = Image.objects.exclude(deleted_at=None)
    assert set(gone) == {images["left"], images["drawn from before"]}
    assert delete_drafts(at=now) == 0
