"""Bradley–Terry strengths at equal looks: a logistic regression with what differs between two pictures beside them."""

from dataclasses import dataclass

import numpy as np

from ratings.research.statistics.bradley_terry import distinct
from ratings.research.statistics.jackknife import NEARLY_NOTHING
from ratings.research.statistics.likelihood import (
    LONGEST_STEP,
    MOST_STEPS,
    PRECISION,
    Floats,
    Ints,
    Votes,
    is_bounded,
    sigmoid,
    win_table,
)
from ratings.research.statistics.means import LEAST_CLUSTERS

PRIOR = 0.25
WIDEST = 20.0  # log-odds: an interval wider than this comes from votes that say nothing of the coefficient


@dataclass(frozen=True, slots=True)
class Controlled:
    """Log-odds and the half widths of their 95 % intervals (NaN: none could be honest).

    `theta` (K,) has mean 0: the models at equal looks. `effects` (F,): of one standard deviation more of each feature.
    """

    theta: Floats
    theta_spread: Floats
    effects: Floats
    effects_spread: Floats


def controlled_strengths(votes: Votes, features: Floats, models: int) -> Controlled:
    """Strengths of `models` models where both pictures of a vote look alike.

    `votes` is one data set of (n,) votes that connect all models, `features` (n, F) says how much more of each feature
    the first picture has. Every difference is divided by its standard deviation. Intervals are clustered by rater and
    by prompt as in `bradley_terry.strengths`. Where a model never lost or never won, strengths are kept finite by a
    weak prior, and there is no interval.
    """
    deviation = features.std(axis=0)
    design = np.zeros((len(votes), models + features.shape[1]))
    rows = np.arange(len(votes))
    design[rows, votes.first] += 1
    design[rows, votes.second] -= 1
    design[:, models:] = features / np.where(deviation > 0, deviation, 1)
    bounded = is_bounded(win_table(votes.as_runs(), models)[0])
    found, inverse = _fit(design, votes, models, 0.0 if bounded else PRIOR)
    chance = sigmoid(design @ found)
    residual = votes.weight * (votes.score - chance)
    known = votes.weight * chance * (1 - chance)
    spread = _spread(design, residual, known, inverse, votes) if bounded else np.full(len(found), np.nan)
    return Controlled(found[:models], spread[:models], found[models:], spread[models:])


def _fit(design: Floats, votes: Votes, models: int, prior: float) -> tuple[Floats, Floats]:
    """The coefficients of most likelihood, by Newton's method, and the inverse of their information.

    `prior` is how much evidence there is beforehand that each is 0.

    The common level of the strengths is not identified and stays at 0; a feature that never differs gets 0.
    """
    found = np.zeros(design.shape[1])
    level = np.zeros_like(found)
    level[:models] = 1
    inverse = np.zeros((len(found), len(found)))
    for _ in range(MOST_STEPS):
        chance = sigmoid(design @ found)
        known = votes.weight * chance * (1 - chance)
        information = design.T @ (design * known[:, None])
        ridge = np.eye(len(found)) * (prior + 1e-9 * max(np.trace(information), 1e-9))
        inverse = np.linalg.inv(information + np.outer(level, level) + ridge)
        step = inverse @ (design.T @ (votes.weight * (votes.score - chance)) - prior * found)
        found = found + np.clip(step, -LONGEST_STEP, LONGEST_STEP)
        if np.abs(step).max(initial=0.0) < PRECISION:
            break
    return found, inverse - np.outer(level, level) / models**2


def _spread(design: Floats, residual: Floats, known: Floats, inverse: Floats, votes: Votes) -> Floats:
    """Half the width of each coefficient's interval: t's quantile times the largest of four standard errors."""
    from scipy import stats  # seconds to import: not at the start of every process

    raters, prompts = (int(distinct(group[None])[0]) for group in (votes.rater, votes.prompt))
    cells = np.unique(votes.rater * (int(votes.prompt.max()) + 1) + votes.prompt, return_inverse=True)[1]
    by_rater = _variance(design, residual, known, inverse, votes.rater)
    by_prompt = _variance(design, residual, known, inverse, votes.prompt)
    by_both = _plain_variance(design, residual, inverse, np.asarray(cells, dtype=np.int64))
    naive = np.diagonal(inverse)
    largest = np.maximum.reduce([by_rater, by_prompt, by_rater + by_prompt - by_both, naive])
    degrees = min(raters, prompts) - 1
    if degrees < LEAST_CLUSTERS - 1:
        return np.full(len(inverse), np.nan)
    spread = stats.t.ppf(0.975, degrees) * np.sqrt(np.maximum(largest, 0))
    return np.where(spread < WIDEST, spread, np.nan)


def _variance(design: Floats, residual: Floats, known: Floats, inverse: Floats, groups: Ints) -> Floats:
    """Each coefficient's variance where every group is left out once, by one Newton step (CR3)."""
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.diff(groups[order], prepend=-1))
    total = np.zeros(len(inverse))
    for rows in np.split(order, starts[1:]):
        part = design[rows]
        inside = part.T @ (part * known[rows, None])
        rest = np.eye(len(inverse)) - inverse @ inside + NEARLY_NOTHING * np.eye(len(inverse))
        moved = np.linalg.solve(rest, inverse @ (part.T @ residual[rows]))
        total += moved**2
    count = len(starts)
    return np.asarray(total * (count - 1) / count)


def _plain_variance(design: Floats, residual: Floats, inverse: Floats, groups: Ints) -> Floats:
    """The same with the information of all (CR1), for groups of a few votes."""
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.diff(groups[order], prepend=-1))
    scores = np.add.reduceat(design[order] * residual[order, None], starts)
    moved = scores @ inverse
    return np.asarray((moved**2).sum(0) * len(starts) / max(len(starts) - 1, 1))
