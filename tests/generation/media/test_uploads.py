"""Uploads: their author starts from them again, and nobody else."""

import pytest
from django.core.files.base import ContentFile

from accounts.models import User
from generation.media import storage
from generation.models import Generation, Image, Upload
from lib.errors import NotFound
from tests.conftest import ApiAs, As
from tests.generation.fixtures import MakeImage
from tests.generation.requests import png_bytes, submit

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("toy")]


def made_from_upload(author: User, make_image: MakeImage) -> tuple[Image, Upload]:
    """A published picture, and the one that its author brought for it."""
    kept = submit(author, source_file=ContentFile(png_bytes((64, 48)), "source.png"), count=1).upload
    assert kept is not None
    image = make_image(author, prompt="a cat")
    Image.objects.filter(pk=image.pk).update(is_public=True)
    Generation.objects.filter(images=image).update(upload=kept, strength=0.5)
    return image, kept


def test_a_remix_starts_again_from_a_picture_that_its_maker_uploaded(
    alice: User, make_image: MakeImage, as_user: As
) -> None:
    image, kept = made_from_upload(alice, make_image)
    remix = f"/create/?remix={image.public_id}&kind=same"
    page = as_user(alice).get(remix).content.decode()
    preview = f"/uploads/{kept.public_id}/"
    assert f'src="{preview}"' in page
    assert 'name="keep_source"' in page
    assert as_user(alice).get(preview).content[8:12] == b"WEBP"
    sent = {"prompt": "a cat", "checkpoint": "toy", "count": "1", "size": "32x32", "remix": image.public_id}
    sent |= {"kind": "same", "keep_source": "on", "strength": "0.35"}
    for _twice in range(2):  # the second time is the same form again: the picture must survive its refusal
        assert as_user(alice).post("/create/", {**sent, "idempotency_key": "again"}).status_code == 302
    made = Generation.objects.get(idempotency_key="again")
    assert (made.upload, made.strength) == (kept, 0.35)
    assert storage.read(kept.file)
    other = {**sent, "idempotency_key": "new", "source_file": ContentFile(png_bytes((32, 32)), "other.png")}
    as_user(alice).post("/create/", other)
    assert Generation.objects.get(idempotency_key="new").upload not in (None, kept)


def test_nobody_starts_from_what_another_member_uploaded(
    alice: User, bob: User, mod: User, make_image: MakeImage, as_user: As, api_as: ApiAs
) -> None:
    image, kept = made_from_upload(alice, make_image)
    remix = f"/create/?remix={image.public_id}&kind=same"
    for member in (bob, mod):
        page = as_user(member).get(remix).content.decode()
        assert kept.public_id not in page
        assert "It was made from a picture that you cannot use" in page
        assert as_user(member).get(f"/uploads/{kept.public_id}/").status_code == 404
        sent = {"prompt": "a cat", "checkpoint": "toy", "count": "1", "remix": image.public_id, "kind": "same"}
        refused = as_user(member).post("/create/", {**sent, "keep_source": "on", "idempotency_key": "key"})
        assert (refused.status_code, "no longer available" in refused.content.decode()) == (422, True)
        asked = {"prompt": "a cat", "checkpoint": "toy", "source_upload": kept.public_id}
        assert api_as(member).post("/api/generations/", asked).status_code == 404
        with pytest.raises(NotFound):
            submit(member, source_upload=kept)
    assert as_user(None).get(f"/uploads/{kept.public_id}/").status_code == 302
    made = api_as(alice).post("/api/generations/", {**asked, "count": 1}).json()
    assert made["source_upload"] == kept.public_id
    assert Generation.objects.filter(upload=kept).count() == 3
