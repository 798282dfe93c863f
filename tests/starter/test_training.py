"""The networks of the recipe, untrained: shapes, formulas, resuming, and the way into diffusers folders."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import AutoencoderTiny, DDIMScheduler, DiffusionPipeline
from torch import nn

from starter.assemble import assemble
from starter.captions import read_nouns
from starter.recipe.distil import STEPS, ddim_step, teach
from starter.recipe.export import FAST, assemble_all, write_weights
from starter.recipe.judging import frechet_distance
from starter.recipe.networks.adapters import FILE, adapter_state, add_adapter, save_adapter
from starter.recipe.networks.autoencoder import (
    Critic,
    crops,
    encode,
    fidelity,
    new_autoencoder,
    pixel_loss,
    spread_loss,
)
from starter.recipe.networks.denoiser import new_denoiser, new_scheduler, noised, weighted_error
from starter.recipe.networks.loop import Average, Loop, set_rate
from starter.recipe.networks.recognition import Recogniser, recognition_loss
from starter.recipe.scenes.labels import COLUMNS
from starter.recipe.scenes.shards import Shard

CPU = torch.device("cpu")
SIGNAL = new_scheduler().alphas_cumprod


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of untrained networks, and an adapter that changes something."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("weights")
    write_weights(folder, new_denoiser(), new_autoencoder())
    adapted = new_denoiser()
    add_adapter(adapted, 4)
    state = {name: torch.randn_like(value) * 0.2 for name, value in adapter_state(adapted).items()}
    save_adapter(folder / FAST, state)
    return folder


def draw(pipeline: Any, **options: Any) -> Any:
    settings = {"num_inference_steps": 2, "output_type": "np", "generator": torch.Generator().manual_seed(1)}
    return pipeline("a cat in a forest at night", **(settings | options)).images[0]


def test_the_folders_load_as_plain_diffusers_pipelines_and_take_the_adapter(weights: Path, tmp_path: Path) -> None:
    versions = assemble_all(weights, tmp_path)
    assert set(versions) == {"starter", "starter-fast"}
    pipeline = DiffusionPipeline.from_pretrained(tmp_path / "starter")
    pipeline.set_progress_bar_config(disable=True)
    plain = draw(pipeline)
    assert plain.shape == (128, 128, 3)
    assert draw(pipeline, width=96, height=144).shape == (144, 96, 3)
    pipeline.load_lora_weights(weights / FAST, adapter_name="one", use_safetensors=True)
    pipeline.set_adapters(["one"], [0.0])
    assert np.abs(draw(pipeline) - plain).max() < 1e-3
    pipeline.set_adapters(["one"], [1.0])
    adapted = draw(pipeline)
    assert np.abs(adapted - plain).max() > 0.02
    fast = DiffusionPipeline.from_pretrained(tmp_path / "starter-fast")
    fast.set_progress_bar_config(disable=True)
    assert np.abs(draw(fast) - adapted).max() < 0.02


def test_weight_files_stay_small(weights: Path) -> None:
    files = list(weights.rglob("*.safetensors"))
    assert max(path.stat().st_size for path in files) <= 16 * 1024 * 1024
    assert sum(path.stat().st_size for path in files) <= 64 * 1024 * 1024
    assert (weights / FAST / FILE).exists()


def test_the_autoencoders_class_is_read_from_its_weights(weights: Path, tmp_path: Path) -> None:
    assemble(tmp_path / "made", weights)
    assert '"AutoencoderTiny"' in (tmp_path / "made" / "model_index.json").read_text()


def test_latents_are_an_eighth_of_the_picture() -> None:
    network = new_autoencoder().eval()
    pictures = torch.randint(0, 256, (3, 144, 96, 3), dtype=torch.uint8)
    assert encode(network, pictures, batch=2).shape == (3, 8, 18, 12)
    assert set(fidelity(network, pictures)) == {"psnr", "sharpness"}
    assert Critic()(torch.zeros(2, 3, 96, 96)).shape == (2, 1, 24, 24)


def test_crops_keep_pictures_and_cover_together() -> None:
    cover = torch.arange(18 * 16, dtype=torch.int32).remainder(256).to(torch.uint8).reshape(1, 18, 16)
    pictures = cover.repeat_interleave(8, 1).repeat_interleave(8, 2)[..., None].expand(-1, -1, -1, 3)
    cropped, covered = crops(Shard(pictures, cover, torch.zeros(1, 10)), 2, CPU)
    assert cropped.shape == (2, 3, 96, 96)
    assert torch.allclose((cropped[:, :1] + 1) / 2, covered, atol=1e-3)


def test_an_error_on_the_subject_costs_more() -> None:
    wanted, cover = torch.zeros(1, 3, 32, 32), torch.zeros(1, 1, 32, 32)
    cover[..., :16] = 1
    on, beside = torch.zeros_like(wanted), torch.zeros_like(wanted)
    on[..., 4:12], beside[..., 20:28] = 0.5, 0.5
    assert pixel_loss(on, wanted, cover) > 2 * pixel_loss(beside, wanted, cover)
    assert pixel_loss(wanted, wanted, cover) == 0


def test_latents_of_unit_spread_cost_nothing() -> None:
    torch.manual_seed(0)
    assert spread_loss(torch.randn(64, 8, 16, 16)) < 1e-3
    assert spread_loss(torch.randn(64, 8, 16, 16) * 2 + 1) > 1


def test_the_schedule_ends_without_signal_and_every_time_counts() -> None:
    torch.manual_seed(0)
    assert SIGNAL[-1] < 1e-6
    target = noised(torch.randn(4000, 1, 1, 1), SIGNAL)
    assert target.weight.max() <= 1.01
    assert target.weight[target.times == target.times.max()].min() > 0.9
    assert weighted_error(target.wanted, target, torch.rand(4000, 1, 1, 1)) == 0


def test_a_step_of_ddim_is_the_scheduler_s() -> None:
    torch.manual_seed(0)
    scheduler: DDIMScheduler = new_scheduler()
    scheduler.set_timesteps(STEPS)
    x, v = torch.randn(2, 2, 8, 16, 16)
    for now in scheduler.timesteps.tolist():
        expected = scheduler.step(v, now, x).prev_sample
        times = torch.full((2,), now)
        assert torch.allclose(ddim_step(x, v, SIGNAL, times, times - 1000 // STEPS), expected, atol=1e-4)


class Perfect(nn.Module):
    """A teacher that knows the clean latents: its v is exact at every time."""

    def __init__(self, clean: torch.Tensor) -> None:
        super().__init__()
        self.clean = clean

    def forward(self, x: torch.Tensor, times: torch.Tensor, _text: torch.Tensor, **_: object) -> tuple[torch.Tensor]:
        signal = SIGNAL[times][:, None, None, None]
        clean = torch.cat([self.clean, self.clean])
        noise = (x - signal.sqrt() * clean) / (1 - signal).sqrt()
        return (signal.sqrt() * noise - (1 - signal).sqrt() * clean,)


def test_a_student_of_a_perfect_teacher_is_asked_for_the_true_v() -> None:
    torch.manual_seed(0)
    clean, text = torch.randn(16, 8, 4, 4), torch.zeros(16, 32, 384)
    start, times, wanted = teach(Perfect(clean), clean, text, text, SIGNAL)
    signal = SIGNAL[times][:, None, None, None]
    noise = (start - signal.sqrt() * clean) / (1 - signal).sqrt()
    truth = signal.sqrt() * noise - (1 - signal).sqrt() * clean
    assert torch.allclose(wanted, truth, atol=0.05)


def test_a_recogniser_learns_from_every_head() -> None:
    torch.manual_seed(0)
    network = Recogniser(107)
    rows = torch.zeros(4, len(COLUMNS), dtype=torch.long)
    rows[:, COLUMNS.index("second")] = torch.tensor([-1, 5, -1, 7])
    loss = recognition_loss(network(torch.randn(4, 3, 96, 144)), rows)
    torch.autograd.backward(loss)
    assert all(parameter.grad is not None for parameter in network.parameters())


def parts() -> tuple[nn.Linear, dict[str, Any]]:
    torch.manual_seed(0)
    network = nn.Linear(3, 1)
    optimizer = torch.optim.AdamW(network.parameters(), 0.1)
    return network, {"network": network, "optimizer": optimizer, "average": Average(network, 0.9)}


def train(path: Path, steps: int, stop: int | None = None) -> nn.Linear:
    network, kept = parts()
    loop = Loop("test", path, steps, kept)
    for step in loop:
        if step == stop:
            loop.save()
            break
        set_rate(kept["optimizer"], loop.rate(0.1))
        loss = (network(torch.full((1, 3), float(step))) - 1).square().mean()
        kept["optimizer"].zero_grad()
        torch.autograd.backward(loss)
        kept["optimizer"].step()
        kept["average"].update(step)
    return network


def test_a_training_that_was_stopped_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    whole = train(tmp_path / "whole.pt", 12)
    train(tmp_path / "parts.pt", 12, stop=5)
    resumed = train(tmp_path / "parts.pt", 12)
    assert torch.equal(whole.weight, resumed.weight)
    saved = torch.load(tmp_path / "parts.pt", weights_only=True)
    assert saved["step"] == 12


def test_the_learning_rate_rises_and_falls(tmp_path: Path) -> None:
    loop = Loop("test", tmp_path / "none.pt", 1000, {})
    rates = []
    for step in (0, 400, 999):
        loop.step = step
        rates.append(loop.rate(1.0))
    assert rates[0] < 0.02
    assert rates[1] == 1
    assert rates[2] < 0.03


def test_the_frechet_distance_of_a_set_to_itself_is_nothing() -> None:
    features = np.random.default_rng(0).normal(size=(200, 8))
    assert abs(frechet_distance(features, features)) < 1e-6
    assert frechet_distance(features, features + 1) == pytest.approx(8, rel=1e-3)


def test_nouns_are_at_least_a_hundred() -> None:
    assert len(read_nouns()) >= 100
    assert isinstance(new_autoencoder(), AutoencoderTiny)
