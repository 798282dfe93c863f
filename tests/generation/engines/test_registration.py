"""Registering: nothing is offered before a test picture was drawn with it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from safetensors.torch import load_file, save_file

from accounts.models import User
from generation import services
from generation.engines.add_ons import AddOnTerms, register_controlnet, register_lora, register_textual_inversion
from generation.engines.base import CheckpointError, LoadOptions, Source
from generation.engines.diffusers.cache import pipeline_cache
from generation.engines.registration import Terms, register_checkpoint
from generation.media import storage
from generation.models import Checkpoint, ControlNet, ImageState, Lora, TextualInversion
from generation.queue.jobs import source_of
from tests.generation import families, networks, single_file
from tests.generation.requests import png_bytes, submit

pytestmark = pytest.mark.django_db
Draw = Callable[..., int]


def terms(**values: Any) -> Terms:
    return Terms(**{"slug": "tried", "name": "Tried", "licence": "MIT", "steps": 3, **values})


@pytest.fixture
def sd15(tmp_path: Path) -> Path:
    return families.build("sd15", tmp_path / "sd15")


def test_stable_diffusion_as_published_is_registered_and_draws(
    sd15: Path, alice: User, run_gpu_worker_inline: Draw
) -> None:
    row, is_new = register_checkpoint(source=Source(str(sd15)), terms=terms())
    assert is_new
    assert (row.family, row.sizes, row.token_limit, row.schedulers[0]) == ("sd1", [[64, 64]], 0, "pndm")
    assert {"euler_a", "dpmpp_2m_k"} <= set(row.schedulers)
    assert "flow_euler" not in row.schedulers
    made = submit(alice, checkpoint="tried", count=1, scheduler="dpmpp_2m_k", prompt="a (red:1.4) fox")
    assert run_gpu_worker_inline() == 1
    image = made.images.get()
    assert image.state == ImageState.READY
    assert b"Sampler: DPM++ 2M Karras" in storage.original_png(image)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"sizes": [[65, 63]]}, "multiples of 8"),
        ({"sizes": [[64, 64], [64, 63]]}, "multiples of 8"),
        ({"schedulers": ["flow_euler"]}, "cannot be drawn with the sampler"),
        ({"schedulers": ["FlowMatchEulerDiscreteScheduler"]}, "cannot be drawn with the sampler"),
        ({"schedulers": ["nonsense"]}, "is no sampler"),
        ({"family": "nonsense"}, "is no family"),
        ({"options": LoadOptions(dtype="float8")}, "is no precision"),
    ],
)
def test_what_could_not_be_drawn_is_refused_and_nothing_is_stored(
    sd15: Path, values: dict[str, Any], words: str
) -> None:
    with pytest.raises(CheckpointError, match=words):
        register_checkpoint(source=Source(str(sd15)), terms=terms(**values))
    assert not Checkpoint.objects.exists()
    assert pipeline_cache().sources() == []


def spoil(folder: Path, part: str, value: float) -> None:
    file = folder / part / "diffusion_pytorch_model.safetensors"
    save_file({name: torch.full_like(each, value) for name, each in load_file(file).items()}, file, {"format": "pt"})


@pytest.mark.parametrize(
    ("part", "value", "words"), [("unet", float("nan"), "no numbers"), ("vae", 0.0, "one flat colour")]
)
def test_weights_that_give_no_picture_are_refused(sd15: Path, part: str, value: float, words: str) -> None:
    spoil(sd15, part, value)
    with pytest.raises(CheckpointError, match=words):
        register_checkpoint(source=Source(str(sd15)), terms=terms())


def test_a_folder_without_a_part_is_one_sentence(sd15: Path) -> None:
    shutil.rmtree(sd15 / "vae")
    with pytest.raises(CommandError, match="cannot be loaded"):
        call_command("register_checkpoint", str(sd15), name="Tried", licence="MIT")


def lora_of_peft(file: Path, folder: Path, scale: float = 2.0) -> Path:
    """Random weights for every attention of the denoiser, as peft's own names have them."""
    weights = load_file(folder / "unet" / "diffusion_pytorch_model.safetensors")
    state: dict[str, torch.Tensor] = {}
    for name, each in weights.items():
        if "attn" in name and name.endswith(("to_q.weight", "to_v.weight")):
            path = "unet." + name.removesuffix(".weight")
            state[f"{path}.lora_A.weight"] = torch.randn(2, each.shape[1]) * scale
            state[f"{path}.lora_B.weight"] = torch.randn(each.shape[0], 2) * scale
    save_file(state, file, {"modelspec.trigger_phrase": "inkwash, brush"})
    return file


def lora_of_kohya(file: Path, folder: Path) -> Path:
    peft = load_file(lora_of_peft(file, folder))
    state: dict[str, torch.Tensor] = {}
    for name, each in peft.items():
        path, _dot, end = name.removeprefix("unet.").removesuffix(".weight").rpartition(".")
        way = "lora_down" if end == "lora_A" else "lora_up"
        base = "lora_unet_" + path.replace(".", "_")
        state[f"{base}.{way}.weight"] = each
        state[f"{base}.alpha"] = torch.tensor(2.0)
    save_file(state, file)
    return file


def test_loras_of_peft_and_kohya_are_tried_and_offered_to_the_family(
    sd15: Path, tmp_path: Path, alice: User, run_gpu_worker_inline: Draw
) -> None:
    checkpoint, _new = register_checkpoint(source=Source(str(sd15)), terms=terms())
    for name, write in (("peft", lora_of_peft), ("kohya", lora_of_kohya)):
        file = write(tmp_path / f"{name}.safetensors", sd15)
        row, is_new = register_lora(location=str(file), terms=AddOnTerms(name, name.title(), "MIT", checkpoint))
        assert is_new
        assert (row.base_family, row.checkpoint, len(row.sha256)) == ("sd1", None, 64)
    assert Lora.objects.get(slug="peft").trigger_words == ["inkwash", "brush"]
    assert set(Lora.objects.offered_to(checkpoint)) == set(Lora.objects.all())
    values = {"checkpoint": "tried", "count": 1, "seed": 4}
    plain = submit(alice, idempotency_key="plain", **values)
    drawn = submit(alice, idempotency_key="lora", loras=[{"slug": "kohya", "weight": 0.9}], **values)
    run_gpu_worker_inline()
    one, other = plain.images.get(), drawn.images.get()
    assert [one.state, other.state] == [ImageState.READY] * 2
    assert one.pdq != other.pdq or storage.training_jpeg(one) != storage.training_jpeg(other)
    assert b"<lora:kohya:0.9>" in storage.original_png(other)


def test_a_lora_of_another_architecture_or_of_zeros_is_refused(sd15: Path, tmp_path: Path) -> None:
    checkpoint, _new = register_checkpoint(source=Source(str(sd15)), terms=terms())
    foreign = tmp_path / "foreign.safetensors"
    save_file({"transformer.blocks.0.attn.lora_A.weight": torch.zeros(2, 2)}, foreign)
    zeros = lora_of_peft(tmp_path / "zeros.safetensors", sd15, scale=0.0)
    (tmp_path / "broken.safetensors").write_bytes(b"no")
    for file in (foreign, zeros, tmp_path / "broken.safetensors", tmp_path / "none.safetensors"):
        with pytest.raises(CheckpointError):
            register_lora(location=str(file), terms=AddOnTerms("x", "X", "MIT", checkpoint))
    assert not Lora.objects.exists()


def test_a_textual_inversion_is_a_word_that_changes_the_picture(sd15: Path, tmp_path: Path) -> None:
    checkpoint, _new = register_checkpoint(source=Source(str(sd15)), terms=terms())
    file = tmp_path / "word.safetensors"
    save_file({"emb_params": torch.randn(2, 16) * 5}, file)
    row, _new = register_textual_inversion(location=str(file), terms=AddOnTerms("sketchword", "S", "MIT", checkpoint))
    assert row == TextualInversion.objects.get()
    assert source_of(checkpoint).embeddings == (("sketchword", str(file)),)


def test_a_controlnet_and_an_ip_adapter_are_tried_and_then_drawn_with(
    sd15: Path, tmp_path: Path, alice: User, run_gpu_worker_inline: Draw
) -> None:
    register_checkpoint(source=Source(str(sd15)), terms=terms())
    built = networks.build(sd15, tmp_path)
    usual = {"checkpoint": "tried", "licence": "MIT"}
    call_command("register_controlnet", str(built.control), name="Edges", **usual)
    call_command("register_image_prompt", str(built.adapter), encoder=str(built.encoder), name="Mood", **usual)
    edges = services.upload_picture(author=alice, file=ContentFile(png_bytes((64, 64)), "edges.png"))
    wanted: dict[str, Any] = {"checkpoint": "tried", "count": 1, "seed": 4}
    made = [
        submit(alice, idempotency_key="plain", **wanted),
        submit(alice, idempotency_key="control", control="edges", control_picture=edges, **wanted),
        submit(alice, idempotency_key="mood", references=[edges], **wanted),
    ]
    run_gpu_worker_inline()
    images = [each.images.get() for each in made]
    assert [each.state for each in images] == [ImageState.READY] * 3, [each.failure for each in images]
    assert len({storage.training_jpeg(each) for each in images}) == 3
    assert (made[1].kind, made[2].edit["references"]["method"]) == ("control", "ip_adapter")
    assert b"Model: edges" in storage.original_png(images[1])


def test_a_controlnet_of_zeros_or_of_another_architecture_is_refused(sd15: Path, tmp_path: Path) -> None:
    checkpoint, _new = register_checkpoint(source=Source(str(sd15)), terms=terms())
    built = networks.build(sd15, tmp_path)
    file = built.control / "diffusion_pytorch_model.safetensors"
    save_file({name: torch.zeros_like(each) for name, each in load_file(file).items()}, file, {"format": "pt"})
    for location in (str(built.control), str(tmp_path / "nowhere"), "owner/name"):
        with pytest.raises(CheckpointError):
            register_controlnet(location=location, terms=AddOnTerms("x", "X", "MIT", checkpoint))
    assert not ControlNet.objects.exists()


def test_a_checkpoint_in_a_single_file_is_registered_and_draws(
    sd15: Path, tmp_path: Path, alice: User, run_gpu_worker_inline: Draw
) -> None:
    file = single_file.write(sd15, tmp_path / "tuned.safetensors")
    call_command("register_checkpoint", str(file), config=str(sd15), name="Tuned", licence="MIT", sizes=[[64, 64]])
    row = Checkpoint.objects.get(slug="tuned")
    assert (row.family, len(row.sha256)) == ("sd1", 64)
    image = submit(alice, checkpoint="tuned", count=1, steps=2).images.get()
    assert run_gpu_worker_inline() == 1
    image.refresh_from_db()
    assert image.state == ImageState.READY, image.failure


def test_the_commands_say_what_they_did(sd15: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("register_checkpoint", str(sd15), name="Tried", licence="MIT", dtype="float32", vae_tiling=True)
    row = Checkpoint.objects.get(slug="tried")
    assert row.options == {"dtype": "float32", "vae_tiling": True}
    file = lora_of_peft(tmp_path / "ink.safetensors", sd15)
    call_command("register_lora", str(file), checkpoint="tried", name="Ink", licence="MIT")
    out = capsys.readouterr().out
    assert "Registered Tried (tried)" in out
    assert "Registered Ink (ink)" in out
    index = json.loads((sd15 / "model_index.json").read_text())
    assert np.isscalar(index["requires_safety_checker"])
