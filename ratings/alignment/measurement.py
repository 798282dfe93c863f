"""The implicit margin of every pair of a split, over all processes."""

from functools import cached_property

import numpy as np
import torch
from accelerate import Accelerator
from torch.utils.data import default_collate

from ratings.alignment import sampling
from ratings.alignment.denoising import Denoiser
from ratings.alignment.evaluation import Accuracy, accuracy
from ratings.alignment.shards import Shards, Tensors


class Measurement:
    """Measures pairs at `draws` evenly spaced timesteps each, with noise that is the same every time."""

    def __init__(self, pairs: Shards, denoiser: Denoiser, accelerator: Accelerator, *, draws: int, batch: int) -> None:
        self.pairs = pairs
        self.denoiser = denoiser
        self.accelerator = accelerator
        self.draws = draws
        self.batch = batch

    @cached_property
    def groups(self) -> list[int]:
        return [int(group) for group in self.pairs.groups]

    @torch.no_grad()
    def margins(self) -> list[float]:
        """The implicit reward of the preferred picture of each pair less that of the other, up to the factor beta."""
        found = torch.zeros(len(self.pairs), dtype=torch.float64)
        mine = range(self.accelerator.process_index, len(self.pairs), self.accelerator.num_processes)
        for rows in sampling.consecutive(self.pairs.buckets, mine, self.batch):
            batch = default_collate([self.pairs[row] for row in rows])
            for draw in range(self.draws):
                batch |= self._noise(rows, batch, draw)
                gained = self.denoiser.gained({name: each.to(self.accelerator.device) for name, each in batch.items()})
                found[rows] += (gained[:, 0] - gained[:, 1]).double().cpu() / self.draws
        whole = self.accelerator.reduce(found.to(self.accelerator.device, torch.float32), reduction="sum")
        return [float(margin) for margin in whole.tolist()]

    def accuracy(self) -> Accuracy:
        return accuracy(self.margins(), self.groups)

    def _noise(self, rows: list[int], batch: Tensors, draw: int) -> Tensors:
        shape = batch["latents"].shape[2:]
        made = np.stack([sampling.noise(shape, row, draw) for row in rows])
        return {"noise": torch.from_numpy(made), "time": torch.full((len(rows),), (draw + 0.5) / self.draws)}
