"""Training pictures as latents, in shards that are encoded once."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from diffusers import AutoencoderTiny
from torch import Tensor

from starter.captions import Noun
from starter.progress import load_checkpoint, save_checkpoint
from starter.recipe.networks.autoencoder import encode
from starter.recipe.networks.loop import half_precision
from starter.recipe.scenes.shards import ROWS, Shard, compose_shard, load_shard
from starter.scenes import Sprites

KEPT = 4
"""The first shards, whose pictures are kept on disk for the autoencoder and the recognisers."""


@dataclass(frozen=True, slots=True)
class Latents:
    """One shard of one size, ready for the denoiser."""

    values: Tensor
    """float16 (n, 8, h, w)"""
    cover: Tensor
    """uint8 (n, h, w), how much of each cell the subjects cover, 0-255"""
    rows: Tensor
    """int16 (n, columns), see `starter.recipe.scenes.labels`"""


def load_latents(
    folder: Path, index: int, network: AutoencoderTiny, nouns: Sequence[Noun], sprites: Sprites, rows: int = ROWS
) -> Latents:
    """A shard's latents from the work folder; composed, encoded and kept there at the first call."""
    path = folder / f"latents-{index:03}.pt"
    saved = load_checkpoint(path)
    if saved is None:
        print(f"encoding shard {index}", flush=True)
        is_kept = index < KEPT or (folder / f"pictures-{index:03}.pt").exists()
        shard = (load_shard if is_kept else _compose)(folder, index, nouns, sprites, rows)
        with half_precision(next(network.parameters()).device):
            values = encode(network, shard.pictures).half()
        saved = {"values": values, "cover": shard.cover.clone(), "rows": shard.rows.clone()}
        save_checkpoint(path, saved)
    return Latents(saved["values"], saved["cover"], saved["rows"])


def _compose(_folder: Path, index: int, nouns: Sequence[Noun], sprites: Sprites, rows: int) -> Shard:
    return compose_shard(index, nouns, sprites, rows)
