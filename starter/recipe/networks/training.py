"""The denoiser's training."""

import random
from collections.abc import Sequence
from pathlib import Path

import torch
from diffusers import UNet2DConditionModel
from torch import Tensor, nn

from starter.captions import Noun
from starter.recipe.networks.denoiser import (
    EMPTY_CAPTIONS,
    TextEncoder,
    new_denoiser,
    new_scheduler,
    noised,
    weighted_error,
    whiten_projection,
)
from starter.recipe.networks.latents import Latents
from starter.recipe.networks.loop import Average, Loop, as_channels_last, half_precision, set_rate
from starter.recipe.scenes.captions import caption
from starter.recipe.scenes.labels import to_scene

PEAK_RATE = 8e-4
EMA_DECAY = 0.999


def batch_size(device: torch.device) -> int:
    """Small steps on a CPU, where each is dear; large ones fill a GPU."""
    return 512 if device.type == "cuda" else 32


class Examples:
    """Batches of latents with captions that are worded anew each time."""

    def __init__(self, shards: Sequence[Latents], nouns: Sequence[Noun], text: TextEncoder) -> None:
        self.shards, self.nouns, self.text = shards, nouns, text
        self.rng = random.Random()

    def draw(self, count: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
        """Latents float (n, 8, h, w), cover (n, 1, h, w) 0-1 and text features (n, 32, 384) of one size."""
        shard = self.rng.choice(self.shards)
        chosen = torch.randint(len(shard.rows), (count,))
        captions = [self._caption(row.tolist()) for row in shard.rows[chosen]]
        cover = shard.cover[chosen][:, None].to(device).float() / 255
        return shard.values[chosen].to(device).float(), cover, self.text(captions)[0]

    def _caption(self, row: list[int]) -> str:
        return "" if self.rng.random() < EMPTY_CAPTIONS else caption(to_scene(row, self.nouns), self.rng)


def train_denoiser(examples: Examples, path: Path, steps: int, device: torch.device) -> UNet2DConditionModel:
    """Train, or continue, up to `steps` in all; returns the averaged weights.

    More steps than last time raise the learning rate again and go on from there.
    """
    network = new_denoiser()
    _start_projection(network, examples)
    as_channels_last(network, device)
    optimizer = torch.optim.AdamW(network.parameters(), PEAK_RATE, (0.9, 0.99), weight_decay=0.01, fused=True)
    average = Average(network, EMA_DECAY)
    loop = Loop("denoiser", path, steps, {"network": network, "optimizer": optimizer, "average": average})
    signal = new_scheduler().alphas_cumprod.to(device)
    for step in loop:
        set_rate(optimizer, loop.rate(PEAK_RATE))
        clean, cover, features = examples.draw(batch_size(device), device)
        target = noised(clean, signal)
        with half_precision(device):
            found = network(target.latents, target.times, features, return_dict=False)[0]
        loss = weighted_error(found, target, cover)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        average.update(step)
        loop.note(loss=loss)
    network.load_state_dict(average.values)
    return network.eval()


def _start_projection(network: UNet2DConditionModel, examples: Examples) -> None:
    rows = torch.cat([shard.rows[:512] for shard in examples.shards[:4]])
    found = [
        examples.text([caption(to_scene(r.tolist(), examples.nouns), examples.rng) for r in part])
        for part in rows.split(64)
    ]
    features, masks = zip(*found, strict=True)
    whiten_projection(network, torch.cat(features).cpu(), torch.cat(masks).cpu())
