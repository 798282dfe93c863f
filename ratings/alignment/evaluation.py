"""How often a denoiser prefers the picture that people preferred, with an interval. Pure."""

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


def accuracy(margins: Sequence[float], groups: Sequence[int]) -> Accuracy:
    """`margins` are rewards of the preferred picture less the other one's; a margin of 0 counts half."""
    return _mean(_hits(margins), groups)


def improvement(before: Sequence[float], after: Sequence[float], groups: Sequence[int]) -> Accuracy:
    """The gain in accuracy on the same pairs, with the interval of the difference."""
    return _mean(_hits(after) - _hits(before), groups)


def _hits(margins: Sequence[float]) -> NDArray[np.float64]:
    return np.sign(np.asarray(margins, dtype=np.float64)) / 2 + CHANCE


def _mean(values: NDArray[np.float64], groups: Sequence[int], *, seed: int = 0) -> Accuracy:
    """The interval resamples prompts, not pairs: pairs of one prompt are not independent."""
    numbers = np.unique(np.asarray(groups), return_inverse=True)[1]
    sums, held = np.bincount(numbers, weights=values), np.bincount(numbers)
    drawn = np.random.default_rng(seed).integers(0, len(held), size=(RESAMPLES, len(held)))
    means = sums[drawn].sum(axis=1) / held[drawn].sum(axis=1)
    low, high = (float(bound) for bound in np.quantile(means, (0.025, 0.975)))
    return Accuracy(float(values.mean()), low, high, len(values))
