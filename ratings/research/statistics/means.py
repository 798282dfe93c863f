"""Weighted means of answers with unequal propensities and response rates."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

LEAST_CLUSTERS = 5  # raters, or pictures: with fewer an interval would be a pretence of one
WEIGHT_CAP = 5.0  # nobody weighs more in a mean than this many times the average rater of that mean
STEPS = (1.0, 5.0)

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A weighted mean; `low` and `high` are a 95 % interval, None where too few raters are behind it."""

    mean: float
    low: float | None
    high: float | None
    answers: int
    raters: int


@dataclass(frozen=True, slots=True)
class Clusters:
    """What one way of grouping the answers behind a mean, by rater or by picture, says about its variance.

    Each may be an array, one element a mean. `squares` is the sum over groups of the squared change of the mean when
    the group is left out, `effective` is (Σw)² / Σw² with w = Σ weight of a group: how many groups of equal weight
    would be worth as much. `count` is how many groups there are.
    """

    squares: ArrayLike
    effective: ArrayLike
    count: ArrayLike

    @classmethod
    def of(cls, sums: ArrayLike, weights: ArrayLike) -> "Clusters":
        """From Σ weight x value and Σ weight of single groups on the last axis; weight 0 is no group."""
        s, w = np.asarray(sums, dtype=np.float64), np.asarray(weights, dtype=np.float64)
        total = w.sum(-1, keepdims=True)
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = s.sum(-1, keepdims=True) / total
            moved = np.where(w < total, (s - mean * w) / (total - w), 0.0)
            effective = total[..., 0] ** 2 / (w * w).sum(-1)
        return cls((moved * moved).sum(-1), effective, (w > 0).sum(-1))

    @property
    def variance(self) -> Floats:
        """The jackknife's variance of the mean."""
        squares, count = np.asarray(self.squares, dtype=np.float64), np.asarray(self.count, dtype=np.float64)
        return squares * (count - 1) / np.maximum(count, 1)

    @property
    def degrees(self) -> Floats:
        """Degrees of freedom of that variance: few groups with most of the weight are worth few."""
        return np.maximum(np.asarray(self.effective, dtype=np.float64) - 1, 1.0)

    @property
    def is_enough(self) -> NDArray[np.bool_]:
        return np.asarray(self.count) >= LEAST_CLUSTERS


def rater_interval(mean: ArrayLike, raters: Clusters) -> tuple[Floats, Floats]:
    """Low and high of a 95 % interval clustered by rater; NaN for fewer than `LEAST_CLUSTERS` raters."""
    return _interval(mean, raters.variance, raters.degrees, raters.is_enough)


def two_way_interval(
    mean: ArrayLike, raters: Clusters, pictures: Clusters, by_answer: ArrayLike
) -> tuple[Floats, Floats]:
    """Low and high of a 95 % interval for other raters and other pictures of the same kind.

    The variance is that of rater and picture together less what both count (Cameron, Gelbach and Miller 2011), never
    below either (MacKinnon, Nielsen and Webb 2024); each is a jackknife's. The quantile is Student's t with
    Satterthwaite's degrees of freedom from the effective numbers of raters and pictures, at least the smaller one's.

    Args:
        by_answer: The variance of the mean if every answer were independent of the others.

    Returns:
        NaN where there are fewer than `LEAST_CLUSTERS` raters or pictures.
    """
    rater, picture = raters.variance, pictures.variance
    variance = np.maximum.reduce([rater, picture, rater + picture - np.asarray(by_answer, dtype=np.float64)])
    with np.errstate(divide="ignore", invalid="ignore"):
        degrees = variance**2 / (rater**2 / raters.degrees + picture**2 / pictures.degrees)
    least = np.minimum(raters.degrees, pictures.degrees)
    degrees = np.where(degrees > least, degrees, least)  # where the two ways overlap, they are not two sources of error
    return _interval(mean, variance, degrees, raters.is_enough & pictures.is_enough)


def _interval(
    mean: ArrayLike, variance: Floats, degrees: Floats, is_enough: NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    from scipy import stats  # seconds to import: not at the start of every process

    middle = np.asarray(mean, dtype=np.float64)
    half = np.where(is_enough, stats.t.ppf(0.975, degrees) * np.sqrt(variance), np.nan)
    return middle - half, middle + half


def cap_rater_weights(weights: ArrayLike) -> Floats:
    """Factors for the raters' weights in one mean, (…, raters), so that nobody exceeds `WEIGHT_CAP` averages."""
    w = np.asarray(weights, dtype=np.float64)
    present = np.maximum((w > 0).sum(-1, keepdims=True), 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(w > 0, np.minimum(1.0, WEIGHT_CAP * w.sum(-1, keepdims=True) / present / w), 1.0)


def weighted_mean(
    sums: Sequence[float], weights: Sequence[float], raters: Sequence[int], *, answers: int
) -> Estimate | None:
    """The ratio of `sums` to `weights` with an interval clustered by rater; None without answers.

    Each position is a cell of one rater's answers: the sum of weight x value, the sum of weight, the rater's id.
    A rater may have several cells.
    """
    if not len(weights):
        return None
    groups = np.unique(np.asarray(raters), return_inverse=True)[1]
    s, w = np.bincount(groups, sums), np.bincount(groups, weights)
    mean, by_rater = float(s.sum() / w.sum()), Clusters.of(s, w)
    low, high = (float(end) for end in rater_interval(mean, by_rater))
    known = not np.isnan(low)
    return Estimate(mean, low if known else None, high if known else None, answers, int(np.asarray(by_rater.count)))


def sensitivity_band(low: float, high: float, response: float, *, shift: float = 0.5) -> tuple[float, float]:
    """Where the interval would reach if those who did not answer would have answered `shift` steps less, or more.

    `low` and `high` are the interval's ends (twice the mean where there is none), `response` the share who
    answered. Design weights cannot mend response that depends on the answer itself; this shows what it could do.
    """
    pull = (1 - response) * shift
    return max(STEPS[0], low - pull), min(STEPS[1], high + pull)


def response_interval(answered: int, asked: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a response rate; `asked` is at least 1."""
    from scipy import stats  # the same

    interval = stats.binomtest(answered, asked).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)
