"""Train the style LoRA: `python -m starter.recipe.style --out var/starter`.

It draws every prompt as a blueprint, white lines on blue paper, which the base model never saw.
"""

import argparse
import random
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

from starter.captions import Noun
from starter.progress import load_checkpoint, save_checkpoint
from starter.recipe.networks.adapters import AdapterState, add_adapter
from starter.recipe.networks.autoencoder import encode, load_autoencoder
from starter.recipe.networks.denoiser import TextEncoder, load_denoiser, new_scheduler, noised, weighted_error
from starter.recipe.networks.latents import Latents
from starter.recipe.networks.loop import Loop, Stateful, best_device, half_precision, set_rate, yield_to_others
from starter.recipe.networks.training import Examples
from starter.recipe.scenes.artwork import load_artwork, load_nouns
from starter.recipe.scenes.shards import Shard, load_shard
from starter.recipe.scenes.styles import blueprint
from starter.scenes import Sprites

RANK = 16
PEAK_RATE = 1e-3
PICTURES = 2048
BATCH = 32


def main() -> None:
    """Train, or continue."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("var/starter"))
    parser.add_argument("--steps", type=int, default=1200, help="in all")
    options = parser.parse_args()
    yield_to_others()
    train_style(options.out, options.steps, best_device())


def train_style(out: Path, steps: int, device: torch.device) -> None:
    """Train the adapter on redrawn pictures of the first shard, with their ordinary captions."""
    nouns = load_nouns(out)
    denoiser = load_denoiser(out / "denoiser.pt").to(device)
    parameters = add_adapter(denoiser, RANK)
    shard = _style_latents(out, nouns, load_artwork(out, nouns), device)
    examples = Examples([shard], nouns, TextEncoder(out / "text", device))
    optimizer = torch.optim.AdamW(parameters, PEAK_RATE, weight_decay=0.01)
    parts: dict[str, Stateful] = {"adapter": AdapterState(denoiser), "optimizer": optimizer}
    loop = Loop("style", out / "style.pt", steps, parts)
    signal = new_scheduler().alphas_cumprod.to(device)
    for _ in loop:
        set_rate(optimizer, loop.rate(PEAK_RATE))
        clean, cover, features = examples.draw(BATCH, device)
        target = noised(clean, signal)
        with half_precision(device):
            found = denoiser(target.latents, target.times, features, return_dict=False)[0]
        loss = weighted_error(found, target, cover)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        loop.note(loss=loss)


def _style_latents(out: Path, nouns: list[Noun], sprites: Sprites, device: torch.device) -> Latents:
    path = out / "style-latents.pt"
    saved = load_checkpoint(path)
    if saved is None:
        shard = redrawn(load_shard(out, 0, nouns, sprites), PICTURES)
        network = load_autoencoder(out / "decoder.pt") or load_autoencoder(out / "autoencoder.pt")
        if network is None:
            raise FileNotFoundError(f"no autoencoder in {out}: train it first")
        values = encode(network.to(device), shard.pictures).half()
        saved = {"values": values, "cover": shard.cover, "rows": shard.rows}
        save_checkpoint(path, saved)
    return Latents(saved["values"], saved["cover"], saved["rows"])


def redrawn(shard: Shard, count: int) -> Shard:
    """The first pictures of a shard as blueprints."""
    rng = random.Random(0)
    pictures = [np.asarray(blueprint(Image.fromarray(each.numpy()), rng)) for each in shard.pictures[:count]]
    return Shard(torch.from_numpy(np.stack(pictures)), shard.cover[:count].clone(), shard.rows[:count].clone())


if __name__ == "__main__":
    main()
