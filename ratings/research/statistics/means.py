"""Weighted means of answers with unequal propensities and response rates."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

LEAST_CLUSTERS = 5  # below, an interval that clusters by rater would be a pretence of one
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
class Moments:
    """All that a mean and its interval need of the raters behind it: sums over raters, which a database adds up.

    Rater g contributes s = Σ weight x value and w = Σ weight over their answers; the fields are Σs, Σw, Σs²,
    Σsw, Σw², and how many answers and raters there are. Each may be an array, one element a mean.
    """

    s: ArrayLike
    w: ArrayLike
    ss: ArrayLike
    sw: ArrayLike
    ww: ArrayLike
    answers: ArrayLike
    raters: ArrayLike

    @classmethod
    def of(cls, sums: ArrayLike, weights: ArrayLike, *, answers: ArrayLike) -> "Moments":
        """From s and w of single raters on the last axis; a rater without answers (w = 0) is none."""
        s, w = np.asarray(sums, dtype=np.float64), np.asarray(weights, dtype=np.float64)
        return cls(
            s=s.sum(-1),
            w=w.sum(-1),
            ss=(s * s).sum(-1),
            sw=(s * w).sum(-1),
            ww=(w * w).sum(-1),
            answers=answers,
            raters=(w > 0).sum(-1),
        )


def cluster_interval(moments: Moments) -> tuple[Floats, Floats, Floats]:
    """Mean, low and high of the Hájek estimator Σs / Σw, clustered by rater; arrays as long as the moments'.

    The variance is that of weighted least squares on a constant with cluster-robust errors (Liang and Zeger
    1986): raters' residual sums s - mean x w, squared and added, over (Σw)², x G / (G - 1); the quantile is t's
    with G - 1 degrees. The square opens into the moments, so no rater's row has to leave the database. Fewer
    than `LEAST_CLUSTERS` raters get NaN for an interval.
    """
    from scipy import stats  # seconds to import: not at the start of every process

    s, w, ss, sw, ww, raters = (
        np.asarray(part, dtype=np.float64)
        for part in (moments.s, moments.w, moments.ss, moments.sw, moments.ww, moments.raters)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = s / w
        squares = np.maximum(ss - 2 * mean * sw + mean * mean * ww, 0.0)
        deviation = np.sqrt(squares * raters / (raters - 1)) / w
    few = raters < LEAST_CLUSTERS
    half = np.where(few, np.nan, deviation * stats.t.ppf(0.975, np.where(few, 1, raters - 1)))
    return mean, mean - half, mean + half


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
    moments = Moments.of(np.bincount(groups, sums), np.bincount(groups, weights), answers=answers)
    mean, low, high = (float(figure) for figure in cluster_interval(moments))
    known = not np.isnan(low)
    return Estimate(mean, low if known else None, high if known else None, answers, int(np.asarray(moments.raters)))


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
