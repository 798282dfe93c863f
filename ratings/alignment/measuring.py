"""How often a denoiser prefers what people preferred, with an interval. The arithmetic is pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2_000
CHANCE = 0.5


@dataclass(frozen=True, slots=True)
class Accuracy:
    """The share of pairs whose implicit reward is higher for the preferred picture, with a 95 % interval."""

    share: float
    low: float
    high: float
    pairs: int

    def __str__(self) -> str:
        return f"{self.share:.1%} (95 %: {self.low:.1%} to {self.high:.1%}, {self.pairs:,} pairs)"


def accuracy(margins: Sequence[float], groups: Sequence[int], *, seed: int = 0) -> Accuracy:
    """`margins` are rewards of the preferred picture less the other one's; a margin of 0 counts half.

    The interval resamples prompts, not pairs: pairs of one prompt are no independent evidence.
    """
    margin: NDArray[np.float64] = np.asarray(margins, dtype=np.float64)
    hits = np.where(margin > 0, 1.0, np.where(margin < 0, 0.0, CHANCE))
    numbers = np.unique(np.asarray(groups), return_inverse=True)[1]
    won, held = np.bincount(numbers, weights=hits), np.bincount(numbers)
    drawn = np.random.default_rng(seed).integers(0, len(held), size=(RESAMPLES, len(held)))
    shares = won[drawn].sum(axis=1) / held[drawn].sum(axis=1)
    low, high = (float(bound) for bound in np.quantile(shares, (0.025, 0.975)))
    return Accuracy(float(hits.mean()), low, high, len(hits))
