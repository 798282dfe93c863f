"""Training pictures in shards: each is composed from its own seed, so that it is the same whenever it is made."""

import random
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from starter.captions import Noun
from starter.progress import save_checkpoint
from starter.recipe.scenes.artwork import load_artwork, load_nouns
from starter.recipe.scenes.composition import compose
from starter.recipe.scenes.labels import to_row
from starter.recipe.scenes.sampling import LANDSCAPE, PORTRAIT, SQUARE, random_scene
from starter.recipe.scenes.vocabulary import Scene
from starter.scenes import Sprites

ROWS = 4096
"""Pictures in a shard."""
CELL = 8
"""Pixels of a picture in each direction that become one latent."""


@dataclass(frozen=True, slots=True)
class Shard:
    """Pictures of one size, with what they show."""

    pictures: Tensor
    """uint8 (n, h, w, 3)"""
    cover: Tensor
    """uint8 (n, h / 8, w / 8), how much of each latent's area the subjects cover, 0-255"""
    rows: Tensor
    """int16 (n, columns), see `starter.recipe.scenes.labels`"""


def size_of(index: int) -> tuple[int, int]:
    """Width and height of a shard's pictures: of eight shards six are square, one portrait, one landscape."""
    return {6: PORTRAIT, 7: LANDSCAPE}.get(index % 8, SQUARE)


def compose_scenes(
    scenes: Sequence[Scene], nouns: Sequence[Noun], sprites: Sprites, size: tuple[int, int], rng: random.Random
) -> Shard:
    """Pictures of the scenes, all of one size (width, height)."""
    width, height = size
    pictures = np.empty((len(scenes), height, width, 3), dtype=np.uint8)
    cover = np.empty((len(scenes), height // CELL, width // CELL), dtype=np.uint8)
    for place, scene in enumerate(scenes):
        pictures[place], covered = compose(scene, sprites, size, rng)
        cover[place] = _reduced(covered)
    rows = torch.tensor([to_row(scene, nouns) for scene in scenes], dtype=torch.int16)
    return Shard(torch.from_numpy(pictures), torch.from_numpy(cover), rows)


def _reduced(covered: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = covered.shape
    cells = covered.reshape(height // CELL, CELL, width // CELL, CELL)
    return np.asarray(cells.mean(axis=(1, 3)).round(), dtype=np.uint8)


def compose_shard(index: int, nouns: Sequence[Noun], sprites: Sprites, rows: int = ROWS) -> Shard:
    """The pictures of one shard; no scene in it is held out."""
    rng = random.Random(f"shard {index}")
    scenes = [random_scene(nouns, rng) for _ in range(rows)]
    return compose_scenes(scenes, nouns, sprites, size_of(index), rng)


def load_shard(folder: Path, index: int, nouns: Sequence[Noun], sprites: Sprites, rows: int = ROWS) -> Shard:
    """A shard from the work folder, composed and kept there at the first call; its pictures stay on disk."""
    path = folder / f"pictures-{index:03}.pt"
    if not path.exists():
        print(f"composing shard {index}", flush=True)
        made = compose_shard(index, nouns, sprites, rows)
        save_checkpoint(path, {"pictures": made.pictures, "cover": made.cover, "rows": made.rows})
    state: dict[str, Any] = torch.load(path, mmap=True, weights_only=True)
    return Shard(state["pictures"], state["cover"], state["rows"])


def compose_missing(folder: Path, count: int, rows: int, workers: int) -> None:
    """Compose the shards that the work folder lacks, in several processes; the artwork must be there already."""
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        for done in [pool.submit(_compose_one, folder, index, rows) for index in range(count)]:
            done.result()


def _compose_one(folder: Path, index: int, rows: int) -> None:
    torch.set_num_threads(1)
    nouns = load_nouns(folder)
    load_shard(folder, index, nouns, load_artwork(folder, nouns), rows)
