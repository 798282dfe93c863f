"""Encodes every picture once and every distinct prompt once, with the pipeline's own encoders, into files.

Processes share the work by file, and what an interrupted run has written is not encoded again.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import torch
from accelerate import Accelerator

from lib.images import open_stored
from ratings.alignment.buckets import Grid, Size, fit
from ratings.alignment.data import AlignmentError, Examples
from ratings.alignment.shards import PER_SHARD, Shards, Tensors, parts_of, words_path, write

ENCODED_AT_ONCE = 8  # examples
_FACTS = "encoded.json"


def grid_of(pipeline: Any, resolution: int) -> Grid:
    """Sizes that the denoiser can halve as often as it does; `resolution` 0 is the checkpoint's own."""
    config, scale = pipeline.unet.config, int(pipeline.vae_scale_factor)
    size = config.sample_size
    side = resolution or int(size if isinstance(size, int) else min(size)) * scale
    multiple = scale * 2 ** (len(config.block_out_channels) - 1)
    if side % multiple:
        multiple = scale
    if side % multiple:
        raise AlignmentError(f"A resolution of {side} is no multiple of {multiple}.")
    return Grid(side, multiple)


def prepare_folder(folder: Path, facts: Mapping[str, Any]) -> None:
    """Makes the folder; empties it if what lies there was encoded from something else, or otherwise."""
    path, text = folder / _FACTS, json.dumps(dict(facts), sort_keys=True)
    if folder.exists() and (not path.exists() or path.read_text("utf-8") != text):
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def encode(examples: Examples, pipeline: Any, folder: Path, accelerator: Accelerator) -> Shards:
    """Writes what is missing in `folder`, which `prepare_folder` made, and returns all of it.

    VAEs encode in float32, for some of them overflow in half precision.
    """
    dtype = pipeline.vae.dtype
    pipeline.vae.to(torch.float32)
    mine = slice(accelerator.process_index, None, accelerator.num_processes)
    for part in parts_of(examples, folder)[mine]:
        if not part.path.exists():
            write(_encoded_pictures(examples, part.examples, pipeline), part.path)
    for first in range(0, len(examples.captions), PER_SHARD)[mine]:
        path = words_path(folder, first)
        if not path.exists():
            write(_encoded_prompts(examples.captions[first : first + PER_SHARD], pipeline), path)
    pipeline.vae.to(dtype)
    accelerator.wait_for_everyone()
    return Shards.of(examples, folder)


@torch.no_grad()
def _encoded_pictures(examples: Examples, rows: range, pipeline: Any) -> Tensors:
    """`latents` (n, k, channels, H, W), and `sizes` (n, k, 6): original height and width, top and left, final ones."""
    bucket = examples.sizes[rows.start]
    latents, sizes = [], []
    for start in range(0, len(rows), ENCODED_AT_ONCE):
        made = [
            [_pixels(file, bucket) for file in examples.pictures(row)] for row in rows[start : start + ENCODED_AT_ONCE]
        ]
        pixels = torch.stack([torch.stack([each for each, _size in pictures]) for pictures in made])
        latents.append(_latents(pixels.flatten(0, 1), pipeline).unflatten(0, pixels.shape[:2]))
        sizes.append(torch.tensor([[size for _pixels, size in pictures] for pictures in made], dtype=torch.float32))
    return {"latents": torch.cat(latents).to(pipeline.unet.dtype), "sizes": torch.cat(sizes)}


def _latents(pixels: torch.Tensor, pipeline: Any) -> torch.Tensor:
    found = pipeline.vae.encode(pixels.to(pipeline.vae.device, pipeline.vae.dtype)).latent_dist.mode()
    shift = getattr(pipeline.vae.config, "shift_factor", None) or 0.0
    latents: torch.Tensor = ((found - shift) * pipeline.vae.config.scaling_factor).float().cpu()
    return latents


def _pixels(content: bytes, bucket: Size) -> tuple[torch.Tensor, list[int]]:
    """(3, height, width) in -1…1, scaled to cover the bucket and cut to its middle; and the sizes SDXL is given."""
    picture = open_stored(content)
    (width, height), place = picture.size, fit(*picture.size, bucket)
    picture = picture.resize((place.width, place.height), PIL.Image.Resampling.BILINEAR)
    box = (place.left, place.top, place.left + bucket[1], place.top + bucket[0])
    cut = np.asarray(picture.crop(box), dtype=np.float32)
    return torch.from_numpy(cut).permute(2, 0, 1) / 127.5 - 1, [height, width, place.top, place.left, *bucket]


@torch.no_grad()
def _encoded_prompts(captions: list[str], pipeline: Any) -> Tensors:
    """`words` (n, tokens, d), and `pooled` (n, d) of the families with two encoders."""
    found: dict[str, list[torch.Tensor]] = {"words": [], "pooled": []}
    for start in range(0, len(captions), ENCODED_AT_ONCE):
        words, _negative, *more = pipeline.encode_prompt(
            prompt=captions[start : start + ENCODED_AT_ONCE],
            device=pipeline.text_encoder.device,
            num_images_per_prompt=1,
            do_classifier_free_guidance=False,
        )
        found["words"].append(words)
        found["pooled"] += more[:1]
    return {name: torch.cat(parts).to(pipeline.unet.dtype).cpu() for name, parts in found.items() if parts}
