"""Files of a picture: what they contain, who may fetch them, and that they are deleted with it."""

import hashlib
import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import PIL.Image
import pytest
from asgiref.sync import async_to_sync
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.sign_in.access import bind_session
from generation.media import encoding, signing, storage
from generation.media.measuring import measure_pictures
from generation.media.metadata import TRAINED_MEDIA
from generation.models import Image, ImageState
from generation.parameters import Parameters
from lib.content_levels import ContentLevel
from tests.conftest import As
from tests.generation.fixtures import MakeImage


def address_for(browser: Client, image: Image) -> str:
    """Where the API says that the picture is, for the person of this browser."""
    answer = browser.get(f"/api/images/{image.public_id}/")
    assert answer.status_code == 200
    return str(answer.json()["url"])


def _publish(image: Image) -> Image:
    Image.objects.filter(pk=image.pk).update(is_public=True)
    image.refresh_from_db()
    return image


def test_the_png_says_how_it_was_made_and_that_a_model_made_it(alice: User, make_image: MakeImage) -> None:
    image = make_image(alice, prompt="an École for a Ж", seed=7)
    with PIL.Image.open(io.BytesIO(storage.original_png(image))) as picture:
        text = picture.info
    assert text["parameters"].startswith(
        "an École for a Ж\nSteps: 3, Sampler: DDIM, CFG scale: 3, Seed: 7, Size: 48x48"
    )
    assert json.loads(text["salon"])["seed"] == 7
    assert TRAINED_MEDIA in text["XML:com.adobe.xmp"]


def test_the_training_copy_has_no_metadata_and_the_recorded_hash(alice: User, make_image: MakeImage) -> None:
    image = make_image(alice)
    data = storage.training_jpeg(image)
    assert hashlib.sha256(data).hexdigest() == image.jpeg_sha256
    assert len(data) == image.jpeg_bytes
    with PIL.Image.open(io.BytesIO(data)) as picture:
        assert picture.format == "JPEG"
        assert set(picture.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
        assert not picture.getexif()


def test_a_jpeg_for_link_previews_carries_the_mark_and_obeys_the_same_rules(
    alice: User, make_image: MakeImage, as_user: As
) -> None:
    image = make_image(alice, width=600, height=300)
    visitor = as_user(None)
    addresses = [
        signing.jpeg_url(image, width, viewer_may_sign=True) for width in encoding.jpeg_widths([256, 512, 600])
    ]
    assert not any("?" in address for address in addresses)  # nobody came to sign them for
    assert [visitor.get(address.partition("?")[0]).status_code for address in addresses] == [404] * 7
    _publish(image)
    for address, width in zip(addresses, [16, 32, 64, 128, 256, 512, 600], strict=True):
        answer = visitor.get(address.partition("?")[0])
        data = b"".join(answer)
        with PIL.Image.open(io.BytesIO(data)) as picture:
            assert (picture.format, picture.size) == ("JPEG", (width, width // 2))
        assert answer["Content-Type"] == "image/jpeg"
        assert TRAINED_MEDIA.encode() in data
    assert visitor.get(addresses[0].partition("?")[0].replace("-16.", "-17.")).status_code == 404


def test_no_copy_carries_what_the_source_of_a_picture_said(alice: User, make_image: MakeImage) -> None:
    """Engines may hand on a picture with the texts, place or profile of what it was made from."""
    secret, image = b"51.5007 N 0.1246 W", make_image(alice)
    picture = PIL.Image.new("RGB", (300, 200), "teal")
    picture.info = {"comment": secret, "exif": b"Exif\0\0" + secret, "icc_profile": secret, "xmp": secret}
    picture.info |= {"Title": secret.decode(), "dpi": (72, 72)}
    encoded = encoding.encode(picture, Parameters.of(image), public_id=image.public_id)
    assert len(encoded.files) == 6
    assert [name for name, data in encoded.files.items() if secret in data] == []


def test_renditions_are_never_wider_than_the_picture_and_carry_the_mark(alice: User, make_image: MakeImage) -> None:
    image = make_image(alice, width=600, height=300)
    assert image.rendition_widths == [256, 512, 600]
    for width in image.rendition_widths:
        for form in encoding.FORMATS:
            data = storage.read(f"{image.prefix}/{image.rendition_hash}-{width}.{form}")
            with PIL.Image.open(io.BytesIO(data)) as picture:
                assert picture.size == (width, width // 2)
                assert TRAINED_MEDIA.encode() in data


def test_a_public_general_picture_has_plain_addresses_that_anybody_may_open(
    alice: User, make_image: MakeImage, as_user: As
) -> None:
    image = _publish(make_image(alice))
    shown = signing.picture(image, viewer_may_sign=False)
    assert "?" not in shown.src
    response = as_user(None).get(shown.src)
    assert response.status_code == 200
    assert response["Content-Type"] == "image/webp"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Cache-Control"] == "public, max-age=3600"


def test_an_unpublished_picture_opens_by_its_signed_address_only(
    alice: User, make_image: MakeImage, as_user: As
) -> None:
    image = make_image(alice)
    browser = as_user(alice)
    signed = address_for(browser, image)
    assert browser.get(signed).status_code == 200
    assert browser.get(signed.partition("?")[0]).status_code == 404
    assert browser.get(signed[:-1] + ("a" if signed[-1] != "a" else "b")).status_code == 404
    with pytest.raises(ValueError):
        signing.picture(image, viewer_may_sign=False)


def test_a_signed_address_ends_within_two_hours(alice: User, make_image: MakeImage, as_user: As) -> None:
    image = make_image(alice)
    browser = as_user(alice)
    viewer = bind_session(alice, browser.session)
    for age, status in ((0, 200), (3600 * 2 + 1, 404)):
        made_at = timezone.now() - timedelta(seconds=age)
        address = signing.picture(image, viewer_may_sign=True, viewer=viewer, at=made_at).src
        assert browser.get(address).status_code == status


@pytest.mark.parametrize("change", [{"state": ImageState.HELD}, {"content_level": ContentLevel.MATURE}])
def test_a_signed_address_dies_with_the_state_it_was_made_in(
    alice: User, make_image: MakeImage, as_user: As, change: dict[str, object]
) -> None:
    image = make_image(alice)
    browser = as_user(alice)
    signed = address_for(browser, image)
    Image.objects.filter(pk=image.pk).update(**change)
    assert browser.get(signed).status_code == 404


def test_a_public_picture_of_a_higher_level_has_no_plain_address(
    alice: User, make_image: MakeImage, as_user: As
) -> None:
    image = _publish(make_image(alice, content_level=ContentLevel.SENSITIVE))
    browser = as_user(alice)
    signed = address_for(browser, image)
    assert browser.get(signed).status_code == 200
    assert as_user(None).get(signed).status_code == 404
    assert as_user(None).get(signed.partition("?")[0]).status_code == 404


def _body(response: Any) -> bytes:
    async def read() -> bytes:
        return b"".join([chunk async for chunk in response.streaming_content])

    return async_to_sync(read)()


def test_ranges_of_the_original(
    alice: User, make_image: MakeImage, as_user: As, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = _publish(make_image(alice))
    url, whole = signing.original_url(image, viewer_may_sign=False), storage.original_png(image)
    monkeypatch.setattr(storage, "read", lambda name: pytest.fail(f"all of {name} is read"))
    client = as_user(None)
    part = client.get(url, headers={"Range": "bytes=10-19"})
    assert (part.status_code, _body(part)) == (206, whole[10:20])
    assert part["Content-Length"] == "10"
    assert part["Content-Range"] == f"bytes 10-19/{len(whole)}"
    assert _body(client.get(url, headers={"Range": "bytes=-5"})) == whole[-5:]
    assert _body(client.get(url, headers={"Range": "bytes=20-"})) == whole[20:]
    assert client.get(url, headers={"Range": f"bytes={len(whole)}-"}).status_code == 416
    for headers in ({"Range": "bytes=oops"}, {"Range": "bytes=-"}, {"Range": "bytes=0-4", "If-Range": '"older"'}):
        assert _body(client.get(url, headers=headers)) == whole


def test_a_file_that_the_browser_has_already_is_not_sent_again(alice: User, make_image: MakeImage, as_user: As) -> None:
    url, client = signing.picture(_publish(make_image(alice)), viewer_may_sign=False).src, as_user(None)
    first = client.get(url)
    for headers in (
        {"If-None-Match": first["ETag"]},
        {"If-None-Match": "*"},
        {"If-Modified-Since": first["Last-Modified"]},
    ):
        again = client.get(url, headers=headers)
        assert (again.status_code, again.content) == (304, b"")
        assert (again["ETag"], again["Cache-Control"]) == (first["ETag"], first["Cache-Control"])
    assert client.get(url, headers={"If-None-Match": '"older"'}).status_code == 200


def test_hiding_the_prompt_changes_the_etag_of_the_original(alice: User, make_image: MakeImage, as_user: As) -> None:
    image = _publish(make_image(alice))
    url, client = signing.original_url(image, viewer_may_sign=False), as_user(None)
    whole = client.get(url)
    Image.objects.filter(pk=image.pk).update(is_prompt_hidden=True)
    bare = client.get(url, headers={"If-None-Match": whole["ETag"]})
    assert bare.status_code == 200
    assert bare["ETag"] != whole["ETag"]
    part = client.get(url, headers={"Range": "bytes=10-19"})
    assert (part.status_code, _body(part)) == (206, _body(bare)[10:20])


def test_a_download_is_an_attachment_and_a_hidden_prompt_is_not_in_it(
    alice: User, make_image: MakeImage, as_user: As
) -> None:
    image = _publish(make_image(alice, prompt="a secret garden", is_prompt_hidden=True))
    response = as_user(None).get(signing.original_url(image, viewer_may_sign=False) + "?download=1")
    assert response["Content-Disposition"] == f'attachment; filename="{image.public_id}.png"'
    body = _body(response)
    assert b"secret garden" not in body
    assert TRAINED_MEDIA.encode() in body


@pytest.mark.parametrize("width", [47, 4096])
def test_a_width_that_was_not_made_is_not_found(alice: User, make_image: MakeImage, as_user: As, width: int) -> None:
    image = _publish(make_image(alice))
    url = signing.picture(image, viewer_may_sign=False).src.replace("-48.", f"-{width}.")
    assert as_user(None).get(url).status_code == 404


def test_deleting_all_of_an_image_takes_its_prefix_and_nothing_of_anothers(alice: User, make_image: MakeImage) -> None:
    gone, kept = make_image(alice), make_image(alice)
    assert storage.delete_all_of(image_id=gone.pk) == 4
    assert not default_storage.exists(f"{gone.prefix}/original.png")
    assert storage.original_png(kept)
    with pytest.raises(ValueError):
        storage.delete_prefix("/")


@pytest.mark.usefixtures("s3_storage")
def test_s3_writes_serves_by_signature_and_deletes_a_prefix(alice: User, make_image: MakeImage, as_user: As) -> None:
    image, kept = make_image(alice), make_image(alice)
    assert hashlib.sha256(storage.training_jpeg(image)).hexdigest() == image.jpeg_sha256
    browser = as_user(alice)
    signed = address_for(browser, image)
    assert signed.startswith(f"/images/{image.public_id}/")  # of this site: no address of the store leaves it
    whole = browser.get(signed)
    assert whole.status_code == 200
    part = browser.get(signed, headers={"Range": "bytes=4-11"})
    assert (part.status_code, _body(part)) == (206, _body(whole)[4:12])
    assert as_user(None).get(signed).status_code == 404
    assert browser.get(signed.partition("?")[0]).status_code == 404
    assert storage.delete_all_of(image_id=image.pk) == 4
    with pytest.raises(FileNotFoundError):
        storage.original_png(image)
    assert browser.get(signed).status_code == 404
    assert storage.original_png(kept)


@pytest.mark.django_db
def test_pictures_from_before_are_measured_and_those_that_cannot_be_read_are_passed_over(
    alice: User, make_image: MakeImage, media: Path
) -> None:
    images = [make_image(alice, seed=seed) for seed in range(3)]
    known = [image.sharpness for image in images]
    assert all(known)
    Image.objects.update(sharpness=None, saturation=None, lightness=None)
    (media / storage.original_name(images[1])).unlink()
    assert measure_pictures(first_id=0) is None
    assert list(Image.objects.order_by("pk").values_list("sharpness", flat=True)) == [known[0], None, known[2]]
