"""What the votes of a challenge add up to: Bradley–Terry strengths of its entries, with intervals. Pure."""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from ratings.research.statistics import Votes
from ratings.research.statistics.likelihood import Floats, Ints, sigmoid, win_table

PRIOR_DEVIATION = 2.0  # of log-strengths: keeps an entry that won everything finite, and is little beside ten votes
MOST_DENSE = 500  # entries; past that intervals leave out what entries share, and are by a few per cent too narrow
QUANTILE = 1.96

LEAST_VOTES = 8  # of a judge, before their agreement with the others says anything
DISAGREEMENT = 3.0  # standard deviations below what the others' strengths lead to expect
DOUBT, DISTRUST = 2.0, 3.5  # standard deviations from what strengths lead to expect of votes on one member's entries
LEAST_HISTORY = 0.8  # of variance: four votes or so


@dataclass(frozen=True, slots=True)
class Standing:
    """Log-strengths of the entries (mean 0), shape (K,), and how many weighted votes each took part in.

    `naive` takes every vote for independent, `by_judge` lets the votes of one judge be alike (a sandwich); both are
    covariances (K, K), or None for more than `MOST_DENSE` entries. `variance` is that of each entry alone, (K,).
    """

    theta: Floats
    variance: Floats
    appearances: Floats
    naive: Floats | None = None
    by_judge: Floats | None = None

    def interval(self, entry: int) -> tuple[float, float]:
        """A 95 % interval of an entry's log-strength against the mean of all."""
        spread = QUANTILE * float(np.sqrt(self.variance[entry]))
        return float(self.theta[entry]) - spread, float(self.theta[entry]) + spread

    def lead(self, first: int, second: int) -> float:
        """By how many standard errors `first` is ahead of `second`."""
        if self.naive is None or self.by_judge is None:
            variance = float(self.variance[first] + self.variance[second])
        else:
            variance = max(_of_gap(each, first, second) for each in (self.naive, self.by_judge))
        gap = float(self.theta[first] - self.theta[second])
        return gap / sqrt(max(variance, 1e-12))


def _of_gap(covariance: Floats, a: int, b: int) -> float:
    return float(covariance[a, a] + covariance[b, b] - 2 * covariance[a, b])


def fit_standing(votes: Votes, entries: int) -> Standing:
    """The standing of `entries` entries, 0…K-1 in `votes`, whose weights count; a tie is half a win for each.

    The likelihood of Bradley and Terry (1952) with a normal prior of `PRIOR_DEVIATION` around 0, so that every
    strength is finite, with few votes or none at all.
    """
    if not len(votes):
        prior = np.full(entries, PRIOR_DEVIATION**2)
        return Standing(np.zeros(entries), prior, np.zeros(entries), *_covariances(votes, np.zeros(entries)))
    theta = _strengths(votes, entries)
    taken = _sums(votes.first, votes.weight, entries) + _sums(votes.second, votes.weight, entries)
    naive, by_judge = _covariances(votes, theta)
    if naive is None or by_judge is None:
        chance = sigmoid(theta[votes.first] - theta[votes.second])
        known = votes.weight * chance * (1 - chance)
        own = _sums(votes.first, known, entries) + _sums(votes.second, known, entries)
        return Standing(theta, 1 / (own + PRIOR_DEVIATION**-2), taken)
    return Standing(theta, np.maximum(np.diagonal(naive), np.diagonal(by_judge)), taken, naive, by_judge)


def _sums(places: Ints, values: Floats, size: int) -> Floats:
    return np.asarray(np.bincount(places, values, size), np.float64)


def _strengths(votes: Votes, entries: int) -> Floats:
    from scipy.optimize import minimize  # seconds to import: not at the start of every process

    def loss(theta: Floats) -> tuple[float, Floats]:
        gap = theta[votes.first] - theta[votes.second]
        value = (votes.weight * (np.logaddexp(0, gap) - votes.score * gap)).sum()
        slope = votes.weight * (sigmoid(gap) - votes.score)
        gradient = _sums(votes.first, slope, entries) - _sums(votes.second, slope, entries)
        return float(value + (theta**2).sum() / 2 / PRIOR_DEVIATION**2), gradient + theta / PRIOR_DEVIATION**2

    theta: Floats = minimize(loss, np.zeros(entries), jac=True, method="L-BFGS-B").x
    return np.asarray(theta - theta.mean())


def _covariances(votes: Votes, theta: Floats) -> tuple[Floats | None, Floats | None]:
    entries = len(theta)
    if not 0 < entries <= MOST_DENSE:
        return None, None
    inverse = np.linalg.inv(_information(votes, theta) + np.eye(entries) * PRIOR_DEVIATION**-2)
    slope = votes.weight * (votes.score - sigmoid(theta[votes.first] - theta[votes.second]))
    judges = int(votes.rater.max()) + 1 if len(votes) else 1
    cells = judges * entries
    of_judge = _sums(votes.rater * entries + votes.first, slope, cells)
    of_judge = (of_judge - _sums(votes.rater * entries + votes.second, slope, cells)).reshape(judges, entries)
    alike = of_judge.T @ of_judge * judges / max(judges - 1, 1)
    against_mean = np.eye(entries) - 1 / entries  # the common level is not identified, and is the prior's alone
    return against_mean @ inverse @ against_mean, against_mean @ inverse @ alike @ inverse @ against_mean


def _information(votes: Votes, theta: Floats) -> Floats:
    if not len(votes):
        return np.zeros((len(theta), len(theta)))
    wins = win_table(votes.as_runs(), len(theta))[0]
    chance = sigmoid(theta[:, None] - theta[None, :])
    links = (wins + wins.T) * chance * (1 - chance)
    return np.asarray(np.diag(links.sum(-1)) - links)


def weigh_judges(votes: Votes, entries: int) -> Votes:
    """The votes with the weights that the judges behind them deserve.

    A judge counts once for each entry: who votes on it n times gives each of these votes a weight of 1/n, so that
    those who come for the sake of one entry have no more say about it than others. And a judge's votes are compared
    with the strengths that everybody's give: the log-likelihood of theirs against what it would be on average, in
    standard deviations. Below `DISAGREEMENT` the weight shrinks. Taste differs by less: chance and clicking through do
    not. Weights that are 0 already (quality flags) stay 0.
    """
    if not len(votes):
        return votes
    votes = _with_weight(votes, votes.weight / _meetings(votes, entries))
    theta = _strengths(votes, entries)
    chance = np.clip(sigmoid(theta[votes.first] - theta[votes.second]), 1e-6, 1 - 1e-6)
    odds = np.log(chance / (1 - chance))
    decided = votes.score != 0.5
    surprise = np.where(decided, (votes.score - chance) * odds, 0.0)
    spread = np.where(decided, chance * (1 - chance) * odds**2, 0.0)
    judges = int(votes.rater.max()) + 1
    given = np.bincount(votes.rater, decided, judges)
    score = np.bincount(votes.rater, surprise, judges) / np.sqrt(np.bincount(votes.rater, spread, judges) + 1e-9)
    over = np.where(given >= LEAST_VOTES, np.maximum(-score / DISAGREEMENT, 1.0), 1.0)
    return _with_weight(votes, votes.weight / (over**2)[votes.rater])


def _with_weight(votes: Votes, weight: Floats) -> Votes:
    return Votes(votes.first, votes.second, votes.score, votes.rater, votes.prompt, weight)


def _meetings(votes: Votes, entries: int) -> Floats:
    """How often the judge of each vote met the entry of the two that they met more often; at least 1."""
    cells = (int(votes.rater.max()) + 1) * entries
    first, second = votes.rater * entries + votes.first, votes.rater * entries + votes.second
    counted = (votes.weight > 0).astype(float)
    met = _sums(first, counted, cells) + _sums(second, counted, cells)
    return np.asarray(np.maximum(np.maximum(met[first], met[second]), 1.0))


def trust(surprise: Floats, variance: Floats) -> Floats:
    """The weight of a judge's votes on one member's entries, by their votes on that member's earlier ones.

    1 for a judge who preferred them about as often as everybody did, and down to 0 for one who did so far more
    often, or far less: friends who vote for each other, and enemies.

    Args:
        surprise: sums of (vote - chance of that vote by the final strengths).
        variance: sums of the chances' variances. Below `LEAST_HISTORY` there is too little to say.
    """
    away = np.abs(surprise) / np.sqrt(np.maximum(variance, 1e-9))
    weight = np.clip((DISTRUST - away) / (DISTRUST - DOUBT), 0.0, 1.0)
    return np.asarray(np.where(variance < LEAST_HISTORY, 1.0, weight))
