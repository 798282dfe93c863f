"""What a downloaded PNG says about how it was made."""

import io
import json

import PIL.Image

from accounts.models import User
from feed.posts.export_formats import as_parameters
from generation.media import storage
from generation.media.metadata import without_parameters
from generation.models import Checkpoint, Generation, Image
from generation.parameters import Parameters
from tests.generation.fixtures import MakeImage, drawn


def _chunks(image: Image) -> dict[str, str]:
    with PIL.Image.open(io.BytesIO(storage.original_png(image))) as picture:
        picture.load()
        return {str(name): str(value) for name, value in picture.info.items()}


def _redrawn(image: Image, loras: list[dict[str, object]], name: str) -> Image:
    """The image with these LoRAs and this name of its checkpoint, written anew as a worker does."""
    Generation.objects.filter(pk=image.generation_id).update(loras=loras)
    Checkpoint.objects.filter(pk=image.generation.checkpoint_id).update(name=name)
    image = Image.objects.select_related("generation__checkpoint", "generation__style").get(pk=image.pk)
    storage.write_outputs(
        prefix=image.prefix, picture=drawn(image), parameters=Parameters.of(image), public_id=image.public_id
    )
    return image


def test_png_and_copy_form_are_one_text_with_loras_and_quoted_names(alice: User, make_image: MakeImage) -> None:
    loras: list[dict[str, object]] = [{"slug": "ink", "sha256": "5" * 64, "weight": 0.8}]
    image = _redrawn(make_image(alice), loras, "XL 1.0, tuned: v2")
    chunks = _chunks(image)
    assert chunks["parameters"] == as_parameters(image)
    assert "<lora:ink:0.8>" in chunks["parameters"]
    assert 'Lora hashes: "ink: 555555555555"' in chunks["parameters"]
    assert 'Model: "XL 1.0, tuned: v2"' in chunks["parameters"]
    assert json.loads(chunks["salon"])["loras"] == loras


def test_a_png_without_parameters_has_the_same_pixels_and_the_mark_alone(alice: User, make_image: MakeImage) -> None:
    original = storage.original_png(make_image(alice))
    with PIL.Image.open(io.BytesIO(original)) as kept, PIL.Image.open(io.BytesIO(without_parameters(original))) as bare:
        assert kept.tobytes() == bare.tobytes()
        assert set(bare.info) == {"XML:com.adobe.xmp", "xmp"} & set(bare.info)
        assert bare.info
