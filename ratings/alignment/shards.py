"""Encoded examples on disk: files of latents, files of prompt embeddings, each read row by row when it is needed."""

from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import save_file
from torch.utils.data import Dataset

from ratings.alignment import sampling
from ratings.alignment.data import Examples

PER_SHARD = 256
_OPEN = 32  # files that stay mapped; the pages of a mapped file are the system's to drop

Tensors = dict[str, torch.Tensor]


@dataclass(frozen=True, slots=True)
class Part:
    """A file of latents and the examples in it, which are of one bucket."""

    path: Path
    examples: range


def parts_of(examples: Examples, folder: Path) -> list[Part]:
    """The files that examples are written to."""
    parts: list[Part] = []
    start = 0
    for _size, group in groupby(examples.sizes):
        end = start + sum(1 for _ in group)
        for first in range(start, end, PER_SHARD):
            path = folder / f"latents-{len(parts):06}.safetensors"
            parts.append(Part(path, range(first, min(first + PER_SHARD, end))))
        start = end
    return parts


def words_path(folder: Path, prompt: int) -> Path:
    """The file that holds the embedding of a prompt."""
    return folder / f"prompts-{prompt // PER_SHARD:06}.safetensors"


def write(tensors: Tensors, path: Path) -> None:
    """Writes a file at once: one that is there is whole."""
    partial = path.with_suffix(".partial")
    save_file(tensors, partial)
    partial.replace(path)


@lru_cache(maxsize=_OPEN)
def _opened(path: Path) -> Any:
    return safe_open(path, framework="pt")


def _read(path: Path, row: int) -> Tensors:
    opened = _opened(path)
    return {name: opened.get_slice(name)[row : row + 1][0].clone() for name in opened.keys()}  # noqa: SIM118 (no mapping)


@dataclass(frozen=True)
class Shards(Dataset[Tensors]):
    """N encoded examples. One is `latents` (k, channels, H, W), `sizes` (k, 6), `labels` (k,), `words` (tokens, d), and
    `pooled` (d,) where the family has it; of the dtype of the denoiser, sizes and labels in float32."""

    parts: list[Part]
    folder: Path
    words: NDArray[np.int64]
    groups: NDArray[np.int64]
    labels: NDArray[np.bool_]
    buckets: NDArray[np.int64]
    _part_of: NDArray[np.int64] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "_part_of", np.repeat(np.arange(len(self.parts)), [len(p.examples) for p in self.parts])
        )

    @classmethod
    def of(cls, examples: Examples, folder: Path) -> "Shards":
        """What was encoded of `examples` into `folder`."""
        _opened.cache_clear()  # files of an earlier run may have been replaced
        numbers = {size: number for number, size in enumerate(sorted(set(examples.sizes)))}
        buckets = np.array([numbers[size] for size in examples.sizes], dtype=np.int64)
        return cls(
            parts_of(examples, folder), folder, examples.words, examples.groups, examples.labels, buckets
        )  # fmt: skip

    def __len__(self) -> int:
        return len(self.words)

    def __getitem__(self, row: int) -> Tensors:
        part = self.parts[int(self._part_of[row])]
        prompt = int(self.words[row])
        found = _read(part.path, row - part.examples.start) | _read(words_path(self.folder, prompt), prompt % PER_SHARD)
        return found | {"labels": torch.from_numpy(self.labels[row].astype(np.float32))}


@dataclass(frozen=True)
class Training(Dataset[Tensors]):
    """Examples with the noise (channels, H, W) and the place in the schedule (`time`, 0 to 1) of each draw.

    Singly, every picture of an example is an example of its own: row r is picture r % k of example r // k.
    """

    shards: Shards
    seed: int
    batch: int
    is_singly: bool = False

    @property
    def _pictures(self) -> int:
        return self.shards.labels.shape[1] if self.is_singly else 1

    @property
    def buckets(self) -> NDArray[np.int64]:
        """(rows,) the bucket of each."""
        return np.repeat(self.shards.buckets, self._pictures)

    def __len__(self) -> int:
        return len(self.shards) * self._pictures

    def __getitem__(self, draw: sampling.Draw) -> Tensors:
        example, picture = divmod(draw.row, self._pictures)
        found = self.shards[example]
        if self.is_singly:
            found |= {name: found[name][picture : picture + 1] for name in ("latents", "sizes", "labels")}
        made = sampling.noise(found["latents"].shape[1:], self.seed, draw.number)
        time = sampling.time_of(draw.number, self.batch, self.seed)
        return found | {"noise": torch.from_numpy(made), "time": torch.tensor(time), "row": torch.tensor(draw.row)}
