"""An image encoder of the operator's: exported once, read by workers, and what looks alike is found by it."""

import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django.fixtures import Settings
from transformers import (
    AutoImageProcessor,
    CLIPConfig,
    CLIPImageProcessorPil,
    CLIPModel,
    SiglipConfig,
    SiglipImageProcessorPil,
    SiglipModel,
)

from accounts.models import User
from feed.models import ImageEmbedding, Post
from feed.search.embeddings import images as image_embeddings
from feed.search.embeddings.indexing import embed_images, find_image_embedding
from generation.engines.image_encoders import export_image_encoder
from generation.media import storage
from lib.content_levels import ContentLevel
from tests.conftest import As
from tests.feed.conftest import Publish
from tests.generation.fixtures import drawn

SMALL = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
VISION = {**SMALL, "image_size": 32, "patch_size": 8}
KINDS: dict[str, Any] = {
    "clip": (CLIPConfig, CLIPModel, CLIPImageProcessorPil, {"size": {"shortest_edge": 32}, "crop_size": 32}),
    "siglip": (SiglipConfig, SiglipModel, SiglipImageProcessorPil, {"size": {"height": 32, "width": 32}}),
}


def write_encoder(folder: Path, kind: str = "clip", seed: int = 0) -> Path:
    """A folder as transformers saves one, of random weights: it distinguishes pictures as well as it must here."""
    config, model, processor, prepares = KINDS[kind]
    torch.manual_seed(seed)
    made = model(config(text_config={**SMALL, "vocab_size": 100}, vision_config=VISION, projection_dim=24))
    made.save_pretrained(folder)
    processor(**prepares).save_pretrained(folder)
    return folder


@pytest.fixture
def checkpoints(tmp_path: Path, settings: Settings) -> Path:
    settings.CHECKPOINTS_DIR = tmp_path / "checkpoints"
    return tmp_path


@pytest.mark.parametrize("kind", list(KINDS))
def test_without_torch_the_vectors_are_those_of_the_encoder(kind: str, checkpoints: Path, alice: User) -> None:
    folder = write_encoder(checkpoints / kind, kind)
    export_image_encoder(folder, image_embeddings.folder())
    picture = PIL.Image.fromarray(np.random.default_rng(0).integers(0, 256, (50, 41, 3), dtype=np.uint8))
    model, processor = KINDS[kind][1].from_pretrained(folder).eval(), AutoImageProcessor.from_pretrained(folder)
    with torch.no_grad():
        found = model.get_image_features(**processor(images=picture, return_tensors="pt"))
    features = found if isinstance(found, torch.Tensor) else found.pooler_output
    expected = torch.nn.functional.normalize(features, dim=-1).numpy()
    assert np.abs(image_embeddings.embed([picture.convert("RGBA")]) - expected).max() < 1e-4


@pytest.mark.django_db(transaction=True)  # an index that is built beside the site is built outside transactions
def test_pictures_are_read_once_and_another_encoder_reads_them_anew(
    checkpoints: Path, alice: User, publish: Publish
) -> None:
    posts = [publish(alice, prompt=f"a fox {n}") for n in range(3)]
    assert embed_images() == 0
    call_command("use_image_encoder", str(write_encoder(checkpoints / "one")))
    assert set(ImageEmbedding.objects.values_list("entry", "encoder")) == {
        (p.pk, image_embeddings.encoder_name()) for p in posts
    }
    vector = np.asarray(ImageEmbedding.objects.get(entry=posts[0].pk).vector)
    assert np.abs(vector - image_embeddings.embed([drawn(posts[0].image)])[0]).max() < 2e-3
    assert embed_images() == 0
    call_command("use_image_encoder", str(write_encoder(checkpoints / "other", seed=1)))
    assert {reading.encoder for reading in ImageEmbedding.objects.all()} == {image_embeddings.encoder_name()}
    assert len(indexes()) == 1
    call_command("use_image_encoder", "--none")
    assert (ImageEmbedding.objects.count(), indexes()) == (0, [])


@pytest.mark.django_db(transaction=True)
def test_looks_are_compared_by_the_encoder_as_far_as_the_viewer_may_see(
    checkpoints: Path, alice: User, bob: User, publish: Publish, as_user: As
) -> None:
    posts = [publish(alice, prompt=f"a fox {n}") for n in range(4)]
    publish(bob, prompt="a secret", content_level=ContentLevel.MATURE)
    call_command("use_image_encoder", str(write_encoder(checkpoints / "one")))
    vectors = [image_embeddings.embed([drawn(post.image)])[0] for post in posts]
    nearest_first = sorted(posts[1:], key=lambda post: -float(vectors[posts.index(post)] @ vectors[0]))
    found = as_user(None).get(f"/api/search/?q=looks:{posts[0].public_id}").json()["results"]
    assert [row["id"] for row in found] == [post.public_id for post in nearest_first]
    answer = as_user(None).post("/search/picture/", {"picture": png_of(posts[2])}, follow=True)
    shown = re.findall(r'data-post="([^"]+)"', answer.content.decode())
    assert shown[0] == posts[2].public_id
    assert len(shown) == len(posts)
    cache.clear()
    forgotten = as_user(None).get(answer.request["PATH_INFO"], {"q": answer.context["q"]})
    assert forgotten.status_code == 400
    assert "Choose it again" in forgotten.content.decode()


def png_of(post: Post) -> io.BytesIO:
    file = io.BytesIO()
    drawn(post.image).save(file, "PNG")
    file.name = "fox.png"
    file.seek(0)
    return file


def indexes() -> list[str]:
    query = "SELECT indexname FROM pg_indexes WHERE tablename = 'feed_picturereading' AND indexdef LIKE '%USING hnsw%'"
    with connection.cursor() as cursor:
        cursor.execute(query)
        return [name for (name,) in cursor.fetchall()]


def test_one_damaged_picture_keeps_no_other_from_being_read(checkpoints: Path, alice: User, publish: Publish) -> None:
    damaged, whole = publish(alice, prompt="a fox"), publish(alice, prompt="a den")
    storage.write(f"{damaged.image.prefix}/original.png", b"no picture")
    export_image_encoder(write_encoder(checkpoints / "one"), image_embeddings.folder())
    assert embed_images() == 1
    assert find_image_embedding(damaged.pk) is None
    assert find_image_embedding(whole.pk) is not None


def test_a_strip_is_looked_at_in_its_middle(checkpoints: Path, db: None) -> None:
    export_image_encoder(write_encoder(checkpoints / "one"), image_embeddings.folder())
    strip = PIL.Image.new("RGB", (1, 2048), "red")
    about = {"size": 32, "crop": [32, 32], "resample": 3, "scale": 1 / 255, "mean": [0] * 3, "deviation": [1] * 3}
    assert image_embeddings.preprocess(strip, about).shape == (3, 32, 32)
    assert max(image_embeddings._middle(strip).size) == image_embeddings.LONGEST
    assert image_embeddings.embed([strip]).shape == (1, image_embeddings.dimensions())


def test_a_folder_that_holds_no_encoder_changes_nothing(checkpoints: Path, db: None) -> None:
    (checkpoints / "empty").mkdir()
    with pytest.raises(CommandError, match="empty"):
        call_command("use_image_encoder", str(checkpoints / "empty"))
    assert not image_embeddings.is_available()
    with pytest.raises(CommandError, match="No image encoder is installed"):
        call_command("use_image_encoder")
