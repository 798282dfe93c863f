"""Runs of real architectures with random weights: precisions, SDXL, parts of a batch, resumption, KTO."""

import json
from pathlib import Path
from typing import Any

import datasets
import pytest
import torch
from safetensors.torch import load_file

from ratings.alignment.data import AlignmentError
from tests.ratings.alignment.conftest import Align, Done

LORA = "lora/pytorch_lora_weights.safetensors"


def lora_of(done: Done) -> dict[str, torch.Tensor]:
    return load_file(done.out / LORA)


def has_learnt(done: Done) -> bool:
    """A LoRA begins with zeros in its second matrices."""
    weights = lora_of(done)
    return all(bool(each.isfinite().all()) and bool(each.abs().sum() > 0) for each in weights.values())


def encoded(done: Done, name: str) -> list[torch.Tensor]:
    """What the files of the training split hold under a name, example after example or prompt after prompt."""
    files = sorted((done.work / "encoded" / "pairs-train").glob("*.safetensors"))
    return [each for tensors in map(load_file, files) for each in tensors.get(name, ())]


def test_in_half_precision_weights_and_latents_are_half_and_the_lora_is_not(align: Align) -> None:
    whole = align("sd15", out="fp32", steps=2, beta=20.0)
    for precision, dtype in {"bf16": torch.bfloat16, "fp16": torch.float16}.items():
        done = align("sd15", out=precision, steps=2, precision=precision, beta=20.0, keeps_encoded=True)
        assert has_learnt(done)
        assert {each.dtype for each in lora_of(done).values()} == {torch.float32}
        assert {each.dtype for name in ("latents", "words") for each in encoded(done, name)} == {dtype}
        merged = load_file(next((done.out / "unet").glob("*.safetensors")))
        assert {each.dtype for each in merged.values()} == {dtype}
        assert done.losses == pytest.approx(whole.losses, rel=0.02)


def test_sdxl_learns_with_one_embedding_of_each_prompt_and_the_sizes_of_its_pictures(
    align: Align, three_shapes: Path
) -> None:

    done = align("sdxl", steps=3, keeps_encoded=True)
    assert has_learnt(done)
    assert {each.shape for each in encoded(done, "pooled")} == {(16,)}
    shown = {tuple(size.tolist()) for example in encoded(done, "sizes") for size in example}
    assert shown == {(64, 64, 0, 0, 64, 64), (48, 96, 0, 0, 48, 96), (96, 48, 0, 0, 96, 48)}
    rows = datasets.load_dataset(str(three_shapes), split="train", cache_dir=str(done.work / "read"))
    latents = encoded(done, "latents")
    assert len(encoded(done, "words")) == len(set(rows["caption"])) < len(rows) == len(latents)
    assert {tuple(each.shape) for each in latents} == {(2, 4, *size) for size in ((8, 8), (6, 12), (12, 6))}


def test_what_saves_memory_changes_nothing(align: Align, one_shape: Path) -> None:
    """Nor does it with a model of velocity, in whose weights the order of sums shows least."""
    whole = align("sd21", out="whole", steps=3, release=one_shape)
    saving = align("sd21", steps=3, accumulation=4, gradient_checkpointing=True, release=one_shape)
    assert saving.losses == pytest.approx(whole.losses, rel=1e-4)
    assert has_learnt(saving)


def test_an_interrupted_run_is_resumed_to_the_same_weights(align: Align) -> None:
    values: dict[str, Any] = {"steps": 6, "save_every": 2, "accumulation": 2, "schedule": "cosine", "warmup": 1}
    whole = align("sd15", out="whole", evaluate_every=2, **values)
    with pytest.raises(KeyboardInterrupt):
        align("sd15", stop_after=5, evaluate_every=2, **values)
    with pytest.raises(AlignmentError, match="add --resume"):
        align("sd15", **values)
    with pytest.raises(AlignmentError, match="begun with another rate"):
        align("sd15", is_resumed=True, rate=1.0, **values)
    done = align("sd15", is_resumed=True, evaluate_every=2, **values)
    assert done.losses == whole.losses[4:]
    assert (done.out / LORA).read_bytes() == (whole.out / LORA).read_bytes()
    assert not done.work.exists()
    cards = [json.loads((each.out / "alignment.json").read_text("utf-8")) for each in (whole, done)]
    assert [each["step"] for each in cards[1]["validation_during"]] == [2, 4]
    assert cards[0] == cards[1]


@pytest.mark.parametrize("has_singles", [True, False])
def test_kto_takes_single_pictures_or_each_of_a_pair(
    align: Align, three_shapes: Path, one_shape: Path, has_singles: bool
) -> None:
    release = three_shapes if has_singles else one_shape
    done = align("sd15", steps=3, method="kto", release=release, keeps_encoded=True)
    assert (done.work / "encoded" / ("kto-train" if has_singles else "pairs-train")).is_dir()
    assert done.losses[0] == pytest.approx(0.5)  # the utility of nothing gained
    assert has_learnt(done)
    assert json.loads((done.out / "alignment.json").read_text("utf-8"))["method"] == "Diffusion-KTO with a LoRA"


def test_curves_are_written_for_tensorboard(align: Align) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    done = align("sd15", steps=4, evaluate_every=2, tracker="tensorboard")
    read = accumulator.EventAccumulator(str(done.work / "logs" / "align"))
    read.Reload()
    assert [each.value for each in read.Scalars("loss")] == pytest.approx(done.losses)
    assert [(each.step, each.value) for each in read.Scalars("validation_accuracy")] == [
        (2, pytest.approx(done.evaluations[0][1])),
        (4, pytest.approx(done.result.after.share)),
    ]
    assert sorted(path.name for path in done.work.iterdir()) == ["logs", "run.json"]


def test_what_the_method_does_not_fit_is_refused(align: Align) -> None:
    for name in ("sd3", "lcm", "playground-v2.5"):
        with pytest.raises(AlignmentError, match="families Stable Diffusion 1, 2 and XL"):
            align(name)
    with pytest.raises(AlignmentError, match="choose a multiple of 3"):
        align("sd15", accumulation=3)


def test_a_folder_of_something_else_is_left_alone(align: Align, tmp_path: Path) -> None:
    mine = tmp_path / "out-work" / "checkpoint-7" / "mine.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("precious")
    with pytest.raises(AlignmentError, match="something else"):
        align("sd15", is_resumed=True)
    assert mine.read_text() == "precious"
