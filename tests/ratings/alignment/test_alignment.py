"""Aligning: the arithmetic, the loss, and a short run that learns a preference and registers the result."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from generation.engines.base import Job, Source
from generation.engines.diffusers.drawing import draw
from generation.models import Checkpoint
from ratings.alignment.evaluation import accuracy, improvement
from tests.generation.fixtures import checkpoint_row
from tests.ratings.alignment.conftest import noise
from tests.ratings.releases import example_pairs


@hypothesis_settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.floats(-1, 1), st.integers(0, 5)), min_size=1, max_size=40))
def test_an_accuracy_lies_in_its_interval_and_ties_count_half(pairs: list[tuple[float, int]]) -> None:
    margins, groups = zip(*pairs, strict=True)
    found = accuracy(margins, groups)
    assert 0 <= found.low <= found.high <= 1
    mirrored = accuracy([-margin for margin in margins], groups)
    assert found.share + mirrored.share == pytest.approx(1)
    assert accuracy([0.0] * len(pairs), groups).share == 0.5


def test_pairs_of_one_prompt_are_no_independent_evidence() -> None:
    margins = [1.0] * 60 + [-1.0] * 40
    apart = accuracy(margins, range(100))
    together = accuracy(margins, [n // 20 for n in range(100)])
    assert apart.high - apart.low < 0.25 < together.high - together.low


def test_a_rise_is_that_of_the_same_pairs() -> None:
    nothing, groups = [0.0] * 40, range(40)
    learnt = [1.0] * 32 + [-1.0] * 8
    found = improvement(nothing, learnt, groups)
    assert found.share == pytest.approx(0.3)
    assert 0 < found.low < 0.3 < found.high
    assert improvement(learnt, learnt, groups).high == 0


def drawn(count: int) -> Iterator[tuple[str, PIL.Image.Image, PIL.Image.Image]]:
    rng = random.Random(1)
    for n in range(count):
        lights = [60, 200] if rng.random() < 0.5 else [200, 60]
        colour = ("red", "blue", "green")[n % 3]
        yield f"a cat on a {colour} background {n}", noise(rng, lights[0]), noise(rng, lights[1])


@pytest.fixture
def starter(db: None, settings: Settings) -> Checkpoint:
    """The checkpoint that Salon ships: one of random weights has nothing to learn with."""
    if not (Path(settings.CHECKPOINTS_DIR) / "starter" / "model_index.json").exists():
        pytest.skip("the starter checkpoint is not there: make setup")
    return checkpoint_row("starter", "starter")


@pytest.fixture
def tasteful(tmp_path: Path) -> Path:
    folder = tmp_path / "salon-pickapic"
    counts = example_pairs.write_examples(folder, drawn(130))
    assert counts["validation"] >= 10
    return folder


@pytest.mark.timeout(900)  # a minute of arithmetic, on a machine that may be busy
@pytest.mark.usefixtures("one_process")
@pytest.mark.django_db
def test_a_short_run_learns_a_preference_and_registers_the_result(
    tasteful: Path, starter: Checkpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "aligned"
    arguments = ["--release", str(tasteful), "--checkpoint", "starter", "--out", str(out)]
    call_command("align", *arguments, "--steps", "25", "--rate", "2e-3", "--batch", "8", "--max-pairs", "64")
    printed = capsys.readouterr().out
    facts = json.loads((out / "alignment.json").read_text("utf-8"))
    assert facts["validation_before"]["share"] == 0.5  # a LoRA begins as nothing
    assert facts["validation_after"]["low"] > 0.5, facts
    assert facts["validation_rise"]["low"] > 0, facts
    aligned = Checkpoint.objects.get(slug="starter-aligned")
    assert aligned.sha256 != starter.sha256
    assert aligned.outputs_may_train == starter.outputs_may_train
    assert "Compare shows it blind" in printed
    _draws_other_pictures(starter, aligned, out)


def _draws_other_pictures(base: Checkpoint, aligned: Checkpoint, out: Path) -> None:
    """The merged folder and the LoRA on the old checkpoint draw the same, and not what was drawn before."""
    lora = out / "lora"
    merged, with_lora, before = (
        _draw(aligned.source, {}), _draw(base.source, {str(lora): 1.0}), _draw(base.source, {})
    )  # fmt: skip
    assert np.abs(merged - before).mean() > 0
    assert np.abs(merged - with_lora).mean() <= 1  # of 255


def _draw(source: str, loras: dict[str, float]) -> "np.ndarray[Any, np.dtype[np.float64]]":
    job = Job(
        source=Source(source),
        prompts=["a cat"],
        negative_prompts=[""],
        seeds=[3],
        width=64,
        height=64,
        steps=2,
        guidances=[2.0],
        loras=loras,
    )
    return np.asarray(draw(job, on_step=lambda _step, _previews: None)[0], dtype=np.float64)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("one_process")
@pytest.mark.django_db
def test_kto_learns_a_preference_too(tasteful: Path, starter: Checkpoint, tmp_path: Path) -> None:
    arguments = ["--release", str(tasteful), "--checkpoint", "starter", "--out", str(tmp_path / "aligned")]
    more = ["--method", "kto", "--steps", "40", "--rate", "2e-3", "--max-pairs", "64", "--no-register"]
    call_command("align", *arguments, *more)
    facts = json.loads((tmp_path / "aligned" / "alignment.json").read_text("utf-8"))
    assert facts["validation_after"]["low"] > 0.5, facts


@pytest.mark.usefixtures("one_process")
@pytest.mark.django_db
def test_what_cannot_be_aligned_is_one_sentence(tiny_checkpoint: Checkpoint, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine.txt").write_text("precious")
    for arguments, words in {
        ("none", "out"): "no checkpoint “none”",
        ("tiny", "taken"): "is not empty",
        ("tiny", "out"): "has no split train of pairs",
    }.items():
        checkpoint, out = arguments
        with pytest.raises(CommandError, match=words):
            call_command("align", "--release", str(tmp_path), "--checkpoint", checkpoint, "--out", str(tmp_path / out))
