"""The assembled checkpoint, loaded as anybody would load it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import AutoPipelineForImage2Image, DiffusionPipeline
from numpy.typing import NDArray
from PIL import Image

from starter.assemble import VERSION_FILE, WEIGHTS, assemble, folder_version, recorded_version
from starter.card import figures
from starter.evaluate import load_drawer, score_backgrounds, score_nouns
from starter.similarity import border_colour, colour_name, load_references, ranked_nouns

LARGEST_FILE = 16 * 1024 * 1024
SLACK = 2
"""Nouns whose nearest sprite another machine's rounding may change, of fifty."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("checkpoints") / "starter"
    assemble(made)
    return made


@pytest.fixture(scope="module")
def pipeline(folder: Path) -> Any:
    loaded = DiffusionPipeline.from_pretrained(folder)
    loaded.set_progress_bar_config(disable=True)
    return loaded


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pixels(picture: Image.Image) -> NDArray[np.float32]:
    return np.asarray(picture, dtype=np.float32)


def test_no_weight_file_is_heavy() -> None:
    assert all(path.stat().st_size <= LARGEST_FILE for path in WEIGHTS.rglob("*.safetensors"))


def test_it_draws_with_nothing_but_a_prompt(pipeline: Any) -> None:
    picture = pipeline("a cat on a red background").images[0]
    assert picture.size == (64, 64)
    assert pixels(picture).std() > 20


def test_assembling_again_changes_nothing(folder: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    version = assemble(folder)
    assert version == recorded_version(folder) == folder_version(folder)[0]
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    assert [path.name for path in folder.parent.iterdir()] == ["starter"]


def test_assembling_replaces_a_folder_of_another_version(folder: Path, tmp_path: Path) -> None:
    stale = tmp_path / "starter"
    stale.mkdir()
    (stale / VERSION_FILE).write_text('{"version": "older"}')
    (stale / "left-over").touch()
    assert assemble(stale) == recorded_version(folder)
    assert not (stale / "left-over").exists()


def test_a_seed_draws_the_same_alone_and_in_a_batch(pipeline: Any) -> None:
    prompts = ["a cat", "a purple bear", "a rocket on a blue background", "two stars"]
    options = {"num_inference_steps": 8, "guidance_scale": 3.0, "output_type": "np"}
    together = pipeline(prompts, generator=[seeded(s) for s in range(4)], **options).images
    for seed, prompt in enumerate(prompts):
        alone = pipeline(prompt, generator=seeded(seed), **options).images[0]
        assert np.abs(alone - together[seed]).max() <= 1 / 255


def test_img2img_keeps_the_picture_it_starts_from(pipeline: Any) -> None:
    start = pipeline("a cat on a red background", generator=seeded(1), guidance_scale=3.0).images[0]
    changer = AutoPipelineForImage2Image.from_pipe(pipeline)
    changer.set_progress_bar_config(disable=True)
    changed = changer(
        "a cat on a red background", image=start, strength=0.3, guidance_scale=3.0, generator=seeded(2)
    ).images[0]
    assert changed.size == start.size
    assert np.abs(pixels(changed) - pixels(start)).mean() < 32


Drawer = Callable[..., list[Image.Image]]


@pytest.fixture(scope="module")
def draw(folder: Path) -> Drawer:
    return load_drawer(folder)


@pytest.fixture(scope="module")
def claimed(folder: Path) -> dict[str, Any]:
    scores: dict[str, Any] = json.loads((WEIGHTS.parent / "scores.json").read_text())
    assert scores["version"] == recorded_version(folder), "evaluate the weights again: make the card tell the truth"
    return scores


def differences(claimed: dict[str, list[int]], drawn: dict[str, list[int]], seed: int) -> list[str]:
    return [word for word in claimed if (seed in claimed[word]) != (seed in drawn[word])]


def test_the_nouns_that_the_card_claims_are_drawn(claimed: dict[str, Any], draw: Drawer) -> None:
    drawn = score_nouns(draw, seeds=[1])
    assert len(differences(claimed["nouns"]["hits"], drawn["hits"], seed=1)) <= SLACK


def test_the_backgrounds_that_the_card_claims_are_followed(claimed: dict[str, Any], draw: Drawer) -> None:
    drawn = score_backgrounds(draw, seeds=[1])
    assert len(differences(claimed["backgrounds"]["hits"], drawn["hits"], seed=1)) <= 1


def test_the_card_claims_what_a_demo_needs(claimed: dict[str, Any]) -> None:
    assert (claimed["nouns"]["of"], claimed["seeds"]) == (200, [1, 2, 3, 4])
    assert claimed["nouns"]["top_1"] >= 0.8
    assert claimed["backgrounds"]["followed"] >= 5


def test_a_bear_can_be_purple(draw: Drawer) -> None:
    purple = load_references(tint="purple")
    pictures = draw(["a purple bear"] * 4, [1, 2, 3, 4])
    assert sum(ranked_nouns(picture, purple)[0] == "bear" for picture in pictures) >= 3


def test_the_card_shows_the_measured_figures(claimed: dict[str, Any]) -> None:
    assert figures(claimed) in (WEIGHTS.parent / "README.md").read_text(encoding="utf-8")


def test_a_sprite_is_nearest_to_itself_on_any_background() -> None:
    references = load_references()
    for place in range(0, len(references.words), 37):
        ground = np.array([45, 105, 225], dtype=np.float32)
        painted = references.ink[place] + (1 - references.opacity[place]) * ground
        picture = Image.fromarray(painted.round().astype(np.uint8)).resize((64, 64))
        assert ranked_nouns(picture, references)[0] == references.words[place]
        assert colour_name(border_colour(picture)) == "blue"
