"""The settings of a picture in the forms that people paste elsewhere."""

import json
import shlex

import pytest

from accounts.models import User
from feed.posts.export_formats import as_curl, as_json, as_parameters, as_text
from generation.models import Generation, Image
from tests.conftest import As
from tests.feed.conftest import Publish


@pytest.fixture
def image(alice: User, publish: Publish) -> Image:
    post = publish(alice, prompt='a "red" fox, it\'s here', negative_prompt="blur", seed=7)
    loras = [{"slug": "ink", "sha256": "0" * 64, "weight": 0.8}]
    Generation.objects.filter(images=post.image_id).update(loras=loras)
    return Image.objects.select_related("generation__checkpoint", "generation__style").get(pk=post.image_id)


def test_parameters_read_as_automatic1111_writes_them(image: Image) -> None:
    settings = "Steps: 3, Sampler: DDIM, CFG scale: 3, Seed: 7, Size: 48x48"
    model = f"Model hash: {image.generation.checkpoint.sha256[:10]}, Model: Toy"
    assert as_parameters(image).split("\n") == [
        'a "red" fox, it\'s here <lora:ink:0.8>',
        "Negative prompt: blur",
        f'{settings}, {model}, Lora hashes: "ink: 000000000000", Version: Salon',
    ]


def test_text_is_for_people(image: Image) -> None:
    lines = as_text(image).split("\n")
    assert lines[:2] == ['Prompt: a "red" fox, it\'s here', "Negative prompt: blur"]
    assert {"Seed: 7", "LoRA: ink × 0.8", "Guidance scale: 3"} <= set(lines)


def test_curl_survives_the_shell(image: Image) -> None:
    words = shlex.split(as_curl(image, "https://salon.example").replace("\\\n", ""))
    body = json.loads(words[words.index("-d") + 1])
    assert body == json.loads(as_json(image))
    assert (body["prompt"], body["seed"]) == ('a "red" fox, it\'s here', 7)


def test_a_source_picture_is_copied_along_where_it_may_be_seen_and_else_missed(
    alice: User, bob: User, publish: Publish, image: Image, as_user: As
) -> None:
    source = publish(alice).image
    Generation.objects.filter(images=image.pk).update(source_image=source, strength=0.4)
    image.refresh_from_db()
    body = json.loads(as_json(image, source))
    assert (body["source_image"], body["strength"]) == (source.public_id, 0.4)
    assert {"source_image", "strength"}.isdisjoint(json.loads(as_json(image)))
    address, missed = f"/p/{image.post.public_id}/", "these settings leave that picture out"
    page = as_user(bob).get(address).content.decode()
    assert source.public_id in page
    assert missed not in page
    Image.objects.filter(pk=source.pk).update(is_public=False)
    page = as_user(bob).get(address).content.decode()
    assert source.public_id not in page
    assert missed in page


def test_the_page_offers_every_form_unless_the_prompt_is_hidden(
    alice: User, bob: User, publish: Publish, as_user: As
) -> None:
    shown, hidden = publish(alice, prompt="a fox"), publish(alice, prompt="a bear", hide_prompt=True)
    page = as_user(bob).get(f"/p/{shown.public_id}/").content.decode()
    for form in ("copy-text", "copy-json", "copy-parameters", "copy-curl"):
        assert form in page
        assert form not in as_user(bob).get(f"/p/{hidden.public_id}/").content.decode()
