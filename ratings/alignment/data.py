"""Pairs of a release as a denoiser takes them: latents of both pictures and the embedding of their prompt."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import PIL.Image
import torch

from lib.images import open_stored

ENCODED_AT_ONCE = 16


class AlignmentError(Exception):
    """A release or checkpoint cannot be aligned with; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Latents (N, channels, H, W) of preferred and other pictures, prompt embeddings (N, L, D), prompt groups."""

    preferred: torch.Tensor
    other: torch.Tensor
    words: torch.Tensor
    groups: list[int]

    def __len__(self) -> int:
        return len(self.groups)

    def batch(self, rows: list[int]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        index = torch.tensor(rows)
        return self.preferred[index], self.other[index], self.words[index]


def read_pairs(folder: Path, split: str, *, cache: Path, most: int | None = None) -> datasets.Dataset:
    """One split of a release's default configuration, read with `datasets`. Raises AlignmentError."""
    try:
        rows = datasets.load_dataset(str(folder), cache_dir=str(cache), split=split)
    except (ValueError, OSError, datasets.exceptions.DatasetNotFoundError) as error:
        raise AlignmentError(f"{folder} has no split {split} of pairs: {error}") from error
    if not {"jpg_0", "jpg_1", "label_0", "caption", "prompt_id"} <= set(rows.column_names):
        raise AlignmentError(f"{folder} has no split {split} of pairs: its columns are others.")
    return rows if most is None else rows.shuffle(seed=0).select(range(min(most, len(rows))))


def encode_pairs(rows: datasets.Dataset, pipeline: Any) -> Pairs:
    """Encodes every picture and every prompt once, with the pipeline's own encoders."""
    preferred, other = [], []
    for batch in _batches(rows):
        sides = [_latents(batch[name], pipeline) for name in ("jpg_0", "jpg_1")]
        first_won = torch.tensor([label == 1.0 for label in batch["label_0"]])[:, None, None, None]
        preferred.append(torch.where(first_won, sides[0], sides[1]))
        other.append(torch.where(first_won, sides[1], sides[0]))
    numbers: dict[str, int] = {}
    groups = [numbers.setdefault(prompt, len(numbers)) for prompt in rows["prompt_id"]]
    return Pairs(torch.cat(preferred), torch.cat(other), _words(list(rows["caption"]), pipeline), groups)


def _batches(rows: datasets.Dataset) -> Iterator[dict[str, list[Any]]]:
    for start in range(0, len(rows), ENCODED_AT_ONCE):
        yield rows[start : start + ENCODED_AT_ONCE]


@torch.no_grad()
def _latents(pictures: list[bytes], pipeline: Any) -> torch.Tensor:
    side = int(pipeline.unet.config.sample_size) * int(pipeline.vae_scale_factor)
    pixels = torch.stack([_pixels(content, side) for content in pictures]).to(pipeline.device, pipeline.vae.dtype)
    found = pipeline.vae.encode(pixels).latent_dist.mode()
    shift = getattr(pipeline.vae.config, "shift_factor", None) or 0.0
    latents: torch.Tensor = ((found - shift) * pipeline.vae.config.scaling_factor).float().cpu()
    return latents


def _pixels(content: bytes, side: int) -> torch.Tensor:
    """(3, side, side) in -1…1: the short edge is scaled to `side`, and the middle cut out."""
    picture = open_stored(content)
    scale = side / min(picture.size)
    wide, high = (max(side, round(edge * scale)) for edge in picture.size)
    picture = picture.resize((wide, high), PIL.Image.Resampling.BILINEAR)
    left, top = (wide - side) // 2, (high - side) // 2
    cut = np.asarray(picture.crop((left, top, left + side, top + side)), dtype=np.float32)
    return torch.from_numpy(cut).permute(2, 0, 1) / 127.5 - 1


@torch.no_grad()
def _words(captions: list[str], pipeline: Any) -> torch.Tensor:
    known: dict[str, torch.Tensor] = {}
    for caption in captions:
        if caption not in known:
            embedded, _ = pipeline.encode_prompt(caption, pipeline.device, 1, do_classifier_free_guidance=False)
            known[caption] = embedded[0].float().cpu()
    return torch.stack([known[caption] for caption in captions])
