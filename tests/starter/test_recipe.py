"""The whole recipe on a handful of pictures: every stage, a second run, the adapters, and scores of the result."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import DiffusionPipeline
from PIL import Image, ImageDraw

from starter.captions import STYLES, read_nouns
from starter.recipe import card, distil, style
from starter.recipe.evaluate import Drawer, batch_difference, score_aspects, score_groups, score_img2img, score_lora
from starter.recipe.export import FAST, STYLE, assemble_all, export, facts
from starter.recipe.judging import Judge
from starter.recipe.networks import autoencoder, recognition, training
from starter.recipe.scenes.artwork import SIDE, load_artwork, load_nouns
from starter.recipe.train import parse_options, train

CPU = torch.device("cpu")
STAGES = ("recogniser", "autoencoder", "denoiser", "decoder", "judge")


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work folder whose artwork is a disc for every noun, trained for two steps in two runs."""
    folder = tmp_path_factory.mktemp("work")
    sprite = Image.new("RGBA", (SIDE, SIDE))
    ImageDraw.Draw(sprite).ellipse((4, 4, SIDE - 4, SIDE - 4), fill=(250, 200, 40, 255))
    pixels = torch.frombuffer(bytearray(sprite.tobytes()), dtype=torch.uint8).reshape(SIDE, SIDE, 4)
    nouns = read_nouns()
    torch.save({f"{noun.code} {style}": pixels for noun in nouns for style in STYLES}, folder / "artwork.pt")
    (folder / "names.json").write_text(json.dumps({noun.code: [] for noun in nouns}))
    with pytest.MonkeyPatch.context() as patch:
        for module in (recognition, autoencoder, distil, style):
            patch.setattr(module, "BATCH", 2)
        patch.setattr(training, "batch_size", lambda _device: 2)
        for steps, workers in ((1, "2"), (2, "1")):
            stages = [word for stage in STAGES for word in (f"--{stage}", str(steps))]
            train(parse_options(["--out", str(folder), "--rows", "8", "--shards", "2", "--workers", workers, *stages]))
        distil.distil(folder, 1, 2, CPU)
        style.train_style(folder, 1, CPU)
    export(folder, folder / "weights")
    return folder


@pytest.fixture(scope="module")
def drawer(work: Path) -> Drawer:
    assemble_all(work / "weights", work / "checkpoints")
    pipeline = DiffusionPipeline.from_pretrained(work / "checkpoints" / "starter")
    pipeline.set_progress_bar_config(disable=True)
    return Drawer(pipeline, 4, 3.0)


def test_every_stage_counts_its_steps_over_both_runs(work: Path) -> None:
    found = facts(work)
    assert {stage: found[stage]["steps"] for stage in STAGES} == dict.fromkeys(STAGES, 2)
    assert (found["fast"]["steps"], found["style"]["steps"]) == (1, 1)
    assert json.loads((work / "weights" / "training.json").read_text()) == found


def test_the_checkpoints_draw_and_a_batch_is_the_same_as_alone(work: Path, drawer: Drawer) -> None:
    assert {path.name for path in (work / "checkpoints").iterdir()} == {"starter", "starter-fast"}
    assert batch_difference(drawer) <= 1
    fast = DiffusionPipeline.from_pretrained(work / "checkpoints" / "starter-fast")
    assert fast("a fox in a forest", num_inference_steps=1, guidance_scale=1.0).images[0].size == (128, 128)


def test_the_scores_of_the_card_are_all_there(work: Path, drawer: Drawer) -> None:
    nouns = load_nouns(work)
    judge = Judge(work / "judge.pt", nouns)
    nearest = {"top_1": 0.5, "top_1_of_first_fifty": 0.25, "of": 214, "missed": ["cat"]}
    scores: dict[str, Any] = {"version": "a" * 64, "steps": 4, "guidance": 3.0, "nearest": nearest}
    scores |= score_groups(drawer, judge, nouns, load_artwork(work, nouns), 2)
    scores |= {"seconds": {"4": 0.1}, "batch_difference": 0.0, "img2img": score_img2img(drawer, judge, nouns, 1)}
    assert set(score_aspects(drawer, judge, nouns, 2)) == {"portrait", "landscape"}
    table = card.figures({"new": scores, "old": scores})
    assert "| the noun's artwork is the nearest of all | 50% | 50% | – | ≥ 90% |" in table
    assert "place and light, held out: light" in table
    assert "Nouns that a seed missed: cat." in table


def test_the_style_is_off_at_weight_0(work: Path, drawer: Drawer) -> None:
    found = score_lora(drawer, work / "weights" / STYLE)
    assert found["weight 0"] == pytest.approx(found["without"], abs=0.2)
    assert (work / "weights" / FAST).is_dir()
