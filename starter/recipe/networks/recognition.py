"""A small classifier of our own renderings: what a picture shows.

Two are trained, alike but for their seed: one lends its features to the autoencoder's loss, the other only judges.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from starter.recipe.networks.loop import Loop, as_channels_last, half_precision, set_rate
from starter.recipe.scenes.labels import CHOICES, COLUMNS
from starter.recipe.scenes.shards import Shard

WIDTHS = (32, 64, 96, 128)
BATCH = 64
PEAK_RATE = 2e-3
HEADS = ("place", "light", "background", "style", "tint")


class Block(nn.Module):
    """Halve the size, then one residual step; (n, c, h, w) to (n, width, h / 2, w / 2)."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.enter = nn.Conv2d(channels, width, 3, 2, 1, bias=False)
        self.first_norm, self.second_norm = nn.BatchNorm2d(width), nn.BatchNorm2d(width)
        self.inner = nn.Conv2d(width, width, 3, 1, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.first_norm(self.enter(x)))
        return functional.relu(x + self.second_norm(self.inner(x)))


class Recogniser(nn.Module):
    """Pictures float (n, 3, h, w) in [-1, 1] to logits of the nouns and of each choice."""

    def __init__(self, nouns: int) -> None:
        super().__init__()
        channels = (3, *WIDTHS[:-1])
        self.blocks = nn.ModuleList(Block(c, w) for c, w in zip(channels, WIDTHS, strict=True))
        self.last = Block(WIDTHS[-1], 192)
        self.noun = nn.Linear(192 * 2, nouns)
        self.heads = nn.ModuleDict({name: nn.Linear(192 * 2, len(CHOICES[name])) for name in HEADS})

    def features(self, pictures: Tensor) -> list[Tensor]:
        """The outputs of the first three blocks, at a half, a quarter and an eighth of the size."""
        found, x = [], pictures
        for block in list(self.blocks)[:3]:
            x = block(x)
            found.append(x)
        return found

    def embed(self, pictures: Tensor) -> Tensor:
        """The 384 numbers that the heads read, float (n, 384): means and maxima over the picture."""
        x = pictures
        for block in (*self.blocks, self.last):
            x = block(x)
        return torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1)

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        embedded = self.embed(pictures)
        found: dict[str, Tensor] = {"noun": self.noun(embedded)}
        return found | {name: self.heads[name](embedded) for name in HEADS}


def as_input(pictures: Tensor, device: torch.device) -> Tensor:
    """uint8 (n, h, w, 3) to float (n, 3, h, w) in [-1, 1]."""
    return pictures.to(device).permute(0, 3, 1, 2).float() / 127.5 - 1


def recognition_loss(logits: Mapping[str, Tensor], rows: Tensor) -> Tensor:
    """Cross-entropy of every head; the tint counts where there is one subject. rows int64 (n, columns).

    Two subjects share the nouns' probability, which learns faster than a yes or no for each noun.
    """
    first, second = rows[:, COLUMNS.index("first")], rows[:, COLUMNS.index("second")]
    has_two = second >= 0
    nouns = functional.log_softmax(logits["noun"], 1)
    one = nouns.gather(1, first[:, None])[:, 0]
    two = nouns.gather(1, second.clamp(min=0)[:, None])[:, 0]
    loss = -2 * torch.where(has_two, (one + two) / 2, one).mean()
    for name in HEADS:
        target = rows[:, COLUMNS.index(name)].clone()
        if name == "tint":
            target[has_two] = -100
        loss = loss + functional.cross_entropy(logits[name], target)
    return loss


def train_recogniser(
    shards: Sequence[Shard], nouns: int, path: Path, steps: int, seed: int, device: torch.device
) -> Recogniser:
    """Train, or continue, on the pictures of the shards; mirrored at random, noised a little."""
    torch.manual_seed(seed)
    network = as_channels_last(Recogniser(nouns), device)
    optimizer = torch.optim.AdamW(network.parameters(), PEAK_RATE, weight_decay=0.05, fused=True)
    loop = Loop(path.stem, path, steps, {"network": network, "optimizer": optimizer})
    for _ in loop:
        shard = shards[int(torch.randint(len(shards), ()))]
        chosen = torch.randint(len(shard.rows), (BATCH,))
        pictures = as_input(shard.pictures[chosen], device)
        if torch.rand(()) < 0.5:
            pictures = pictures.flip(3)
        pictures = pictures + torch.randn_like(pictures) * 0.1 * torch.rand(BATCH, 1, 1, 1, device=device)
        set_rate(optimizer, loop.rate(PEAK_RATE))
        with half_precision(device):
            logits = network(pictures)
        loss = recognition_loss({k: v.float() for k, v in logits.items()}, shard.rows[chosen].long().to(device))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loop.note(loss=loss)
    network.eval().requires_grad_(requires_grad=False)
    return network
