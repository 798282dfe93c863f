"""Diffusion-DPO: lowers the denoising error on the preferred picture more than on the other, against a reference.

Wallace et al. 2023, "Diffusion Model Alignment Using Direct Preference Optimization", equation 14; the reference is
the same denoiser with its LoRA switched off.
"""

import random
from collections.abc import Callable, Iterator
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from diffusers import DDPMScheduler
from peft import LoraConfig
from torch.nn import functional

from ratings.alignment.data import AlignmentError, Pairs
from ratings.alignment.settings import Settings

TARGETS = ["to_k", "to_q", "to_v", "to_out.0"]
OnStep = Callable[[int, float], None]  # step number, loss


def add_lora(pipeline: Any, settings: Settings) -> list[torch.nn.Parameter]:
    """Adds a LoRA to the denoiser's attention and freezes everything else; returns the trainable weights."""
    unet = getattr(pipeline, "unet", None)
    if unet is None or getattr(unet.config, "addition_embed_type", None):
        raise AlignmentError(
            "Only checkpoints of the Stable Diffusion 1 and 2 family are aligned here; docs/training.md has the others."
        )
    for part in (pipeline.vae, pipeline.text_encoder, unet):
        part.requires_grad_(False)
    set_seed(settings.seed)
    unet.add_adapter(
        LoraConfig(r=settings.rank, lora_alpha=settings.rank, init_lora_weights="gaussian", target_modules=TARGETS)
    )
    return [weight for weight in unet.parameters() if weight.requires_grad]


def errors(
    unet: Any, scheduler: Any, batch: tuple[torch.Tensor, ...], steps: torch.Tensor, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """(2, N) squared errors of the denoiser and of its reference: the preferred pictures first, then the others.

    Both pictures of a pair get the same noise, and the same of `steps` (N,), their timesteps.
    """
    preferred, other, words = batch
    noise, steps = (part.to(preferred.device) for part in (torch.randn(preferred.shape, generator=generator), steps))
    latents, both = torch.cat([preferred, other]), noise.repeat(2, 1, 1, 1)
    times, context = steps.repeat(2), words.repeat(2, 1, 1)
    noisy = scheduler.add_noise(latents, both, times)
    is_velocity = scheduler.config.prediction_type == "v_prediction"
    target = scheduler.get_velocity(latents, both, times) if is_velocity else both

    def error() -> torch.Tensor:
        wrong = functional.mse_loss(unet(noisy, times, context).sample.float(), target.float(), reduction="none")
        return wrong.mean(dim=(1, 2, 3)).view(2, -1)

    trained = error()
    plain = getattr(unet, "module", unet)
    plain.disable_adapters()
    with torch.no_grad():
        reference = error()
    plain.enable_adapters()
    return trained, reference


def margins_of(trained: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
    """(N,) implicit reward of the preferred picture less that of the other one, up to the factor beta."""
    gained = reference - trained
    return gained[0] - gained[1]


def train(pairs: Pairs, pipeline: Any, settings: Settings, *, on_step: OnStep) -> None:
    """Trains the pipeline on `pairs` in place. Deterministic on one machine."""
    accelerator = Accelerator(cpu=str(pipeline.device) == "cpu")
    weights = [weight for weight in pipeline.unet.parameters() if weight.requires_grad]
    optimiser = torch.optim.AdamW(weights, lr=settings.rate)
    unet, optimiser = accelerator.prepare(pipeline.unet, optimiser)
    scheduler = DDPMScheduler.from_config(pipeline.scheduler.config)
    generator = torch.Generator().manual_seed(settings.seed)
    unet.train()
    for step, rows in zip(range(settings.steps), _shuffled(len(pairs), settings), strict=False):
        batch = tuple(part.to(accelerator.device) for part in pairs.batch(rows))
        times = _spread(len(rows), scheduler, generator)
        margins = margins_of(*errors(unet, scheduler, batch, times, generator))
        loss = -functional.logsigmoid(settings.beta * margins).mean()
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(weights, 1.0)
        optimiser.step()
        optimiser.zero_grad()
        on_step(step + 1, float(loss.detach()))
    unet.eval()


def _shuffled(rows: int, settings: Settings) -> Iterator[list[int]]:
    """Endless batches of row indexes, shuffled every epoch."""
    rng = random.Random(settings.seed)
    while True:
        order = list(range(rows))
        rng.shuffle(order)
        for start in range(0, rows, settings.batch):
            yield order[start : start + settings.batch]


def _spread(count: int, scheduler: Any, generator: torch.Generator) -> torch.Tensor:
    """One random timestep from each of `count` equal parts of the schedule, which lowers the variance of the loss."""
    fractions = (torch.arange(count) + torch.rand(count, generator=generator)) / count
    times: torch.Tensor = (fractions * scheduler.config.num_train_timesteps).long()
    return times


@torch.no_grad()
def measure(pairs: Pairs, pipeline: Any, settings: Settings) -> list[float]:
    """The implicit margin of each pair: the mean over `draws` evenly spaced timesteps with fixed noise."""
    scheduler = DDPMScheduler.from_config(pipeline.scheduler.config)
    apart = scheduler.config.num_train_timesteps / settings.draws
    found: list[float] = []
    for start in range(0, len(pairs), settings.batch):
        rows = list(range(start, min(start + settings.batch, len(pairs))))
        batch = tuple(part.to(pipeline.device) for part in pairs.batch(rows))
        generator = torch.Generator().manual_seed(start + 1)
        times = [torch.full((len(rows),), int((draw + 0.5) * apart)) for draw in range(settings.draws)]
        drawn = [margins_of(*errors(pipeline.unet, scheduler, batch, each, generator)) for each in times]
        found += torch.stack(drawn).mean(dim=0).cpu().tolist()
    return found
