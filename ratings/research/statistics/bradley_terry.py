"""Bradley–Terry strengths, with intervals clustered by rater and by prompt."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ratings.research.statistics.jackknife import Jackknife
from ratings.research.statistics.likelihood import (
    Floats,
    Ints,
    Votes,
    finite_strengths,
    information,
    inverse_of,
    win_table,
)
from ratings.research.statistics.means import LEAST_CLUSTERS

Interval = tuple[Floats, Floats, Floats]  # point, low, high


@dataclass(frozen=True, slots=True)
class Strengths:
    """Bradley–Terry log-strengths (mean 0), shape (…, K), and what their intervals are made of, (…, K, K).

    `by_rater` and `by_prompt` are covariances clustered each way, `by_both` by the intersection, `naive` takes
    every vote for independent. `degrees` are those of the t quantile: one fewer than the raters or the prompts,
    whichever are fewer. `is_bounded` is False where some model never lost to, or never won against, the rest.
    """

    theta: Floats
    by_rater: Floats
    by_prompt: Floats
    by_both: Floats
    naive: Floats
    degrees: Ints
    is_bounded: NDArray[np.bool_]

    def gap(self, a: int, b: int, *, is_naive: bool = False) -> Interval:
        """Log-odds that `a` beats `b`, with a 95 % interval; NaN for one that could not be honest."""

        def variance(of: Floats) -> Floats:
            return np.asarray(of[..., a, a] + of[..., b, b] - 2 * of[..., a, b])

        spread = self._spread(is_naive) * self._deviation(variance, is_naive)
        point = self.theta[..., a] - self.theta[..., b]
        return point, point - spread, point + spread

    def each(self, *, is_naive: bool = False) -> Interval:
        """Every model's log-strength against the mean of all, with a 95 % interval."""
        spread = self._spread(is_naive)[..., None] * self._deviation(_own, is_naive)
        return self.theta, self.theta - spread, self.theta + spread

    def _deviation(self, variance: Callable[[Floats], Floats], is_naive: bool) -> Floats:
        """The largest of four standard errors: by rater, by prompt, by both at once, and as if none came twice."""
        naive = np.maximum(variance(self.naive), 0.0)
        if is_naive:
            return np.sqrt(naive)
        rater, prompt, both = (variance(part) for part in (self.by_rater, self.by_prompt, self.by_both))
        return np.asarray(np.sqrt(np.maximum.reduce([rater, prompt, rater + prompt - both, naive])))

    def _spread(self, is_naive: bool) -> Floats:
        from scipy import stats  # seconds to import: not at the start of every process

        honest = (self.degrees >= LEAST_CLUSTERS - 1) & self.is_bounded
        quantile = stats.norm.ppf(0.975) if is_naive else stats.t.ppf(0.975, np.maximum(self.degrees, 1))
        return np.where(honest, quantile, np.nan)


def _own(of: Floats) -> Floats:
    own: Floats = np.diagonal(of, axis1=-2, axis2=-1)
    return own


def odds(share: float) -> float:
    """ "2.5x preferred" for a win rate of 71.4 %; infinite where nothing was lost."""
    return share / (1 - share) if share < 1 else math.inf


def cap_weights(rater: Ints, cap: float) -> Floats:
    """Weights of one data set's votes, so that nobody's add up to more than `cap`; all of theirs shrink alike."""
    counts = np.bincount(rater)
    return np.asarray(np.minimum(1.0, cap / np.maximum(counts, 1))[rater])


def strengths(votes: Votes, models: int) -> Strengths:
    """Bradley–Terry strengths of `models` models by maximum likelihood, a tie being half a win for each.

    Intervals are clustered two ways. For raters, and again for prompts, the covariance is the jackknife's (each
    left out once, one Newton step from the whole; CR3). A gap's variance is the largest of the two and of their
    sum less what both count (Cameron, Gelbach and Miller 2011, with the maximum of MacKinnon, Nielsen and Webb
    2024 that keeps it from falling below either), and no less than independent votes would have; the quantile is
    t's. Votes of several runs are (runs, votes) arrays; every figure then has a leading axis.
    """
    runs = votes.as_runs()
    wins = win_table(runs, models)
    theta, bounded = finite_strengths(wins)
    inverse = inverse_of(information(theta, wins))
    raters, prompts = distinct(runs.rater), distinct(runs.prompt)
    cells = runs.rater * (int(runs.prompt.max()) + 1) + runs.prompt
    jackknife = Jackknife(runs, theta, inverse)
    found = Strengths(
        theta,
        by_rater=jackknife.covariance(runs.rater),
        by_prompt=jackknife.covariance(runs.prompt),
        by_both=jackknife.covariance(cells, is_plain=True),
        naive=inverse,
        degrees=np.minimum(raters, prompts) - 1,
        is_bounded=bounded,
    )
    return Strengths(*(getattr(found, name)[0] for name in Strengths.__slots__)) if votes.first.ndim == 1 else found


def distinct(groups: Ints) -> Ints:
    """How many different numbers each row has; (runs, n) to (runs,)."""
    return np.asarray(1 + (np.diff(np.sort(groups, axis=-1), axis=-1) > 0).sum(-1))
