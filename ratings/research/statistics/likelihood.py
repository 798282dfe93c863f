"""The Bradley–Terry likelihood for many data sets at once: win tables, strengths and their information."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST_STEPS = 50  # of Newton's method; six or so suffice
LONGEST_STEP = 2.0
PRECISION = 1e-10


@dataclass(frozen=True, slots=True)
class Votes:
    """ModelVotes of pairs, arrays of shape (votes,) or (runs, votes): each run is a data set of its own.

    `first` and `second` are models 0…K-1; `score` is 1 where the first won, 0 where it lost, 0.5 for a tie;
    `rater` and `prompt` are numbered from 0; `weight` is 1, or less where a rater's votes are capped.
    """

    first: Ints
    second: Ints
    score: Floats
    rater: Ints
    prompt: Ints
    weight: Floats

    def __len__(self) -> int:
        """How many votes a data set has."""
        return int(self.first.shape[-1])

    def as_runs(self) -> "Votes":
        """With the leading axis that one data set may lack."""
        return Votes(*(np.atleast_2d(getattr(self, name)) for name in self.__slots__))

    def without(self, dropped: Ints) -> "Votes":
        """One data set's votes but those at some positions."""
        return self.at(np.delete(np.arange(len(self)), dropped))

    def at(self, places: Ints) -> "Votes":
        """One data set's votes at some positions."""
        return Votes(*(getattr(self, name)[places] for name in self.__slots__))


def win_table(votes: Votes, models: int) -> Floats:
    """How often each model (row) beat each other (column), weighted, a tie half to each; (runs, K, K)."""
    runs = len(votes.first)
    base, size = np.arange(runs)[:, None] * models * models, runs * models * models
    won, lost = votes.weight * votes.score, votes.weight * (1 - votes.score)
    table = np.zeros(size)
    table += np.bincount((base + votes.first * models + votes.second).ravel(), won.ravel(), size)
    table += np.bincount((base + votes.second * models + votes.first).ravel(), lost.ravel(), size)
    return table.reshape(runs, models, models)


def is_bounded(wins: Floats) -> bool:
    """Whether a chain of wins leads from every model to every other: only then are strengths finite (Ford 1957)."""
    from scipy.sparse.csgraph import connected_components  # seconds to import: not at the start of every process

    return int(connected_components(wins > 0, directed=True, connection="strong")[0]) == 1


def best_strengths(wins: Floats) -> Floats:
    """Log-strengths of most likelihood, mean 0, by Newton's method on every run at once; (runs, K)."""
    theta = np.zeros(wins.shape[:2])
    for _ in range(MOST_STEPS):
        slope = (wins - games(wins) * win_chances(theta)).sum(-1)
        step = np.einsum("rij,rj->ri", inverse_of(information(theta, wins)), slope)
        theta += np.clip(step, -LONGEST_STEP, LONGEST_STEP)
        if np.abs(step).max(initial=0.0) < PRECISION:
            break
    return np.asarray(theta - theta.mean(-1, keepdims=True))


def finite_strengths(wins: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """`best_strengths` (runs, K), and of which runs they are finite.

    Where they are not, half a tie more in each pair that met keeps them so: enough to be ranked, not believed.
    """
    bounded = np.array([is_bounded(table) for table in wins])
    return best_strengths(np.where(bounded[:, None, None], wins, wins + 0.5 * (games(wins) > 0))), bounded


def games(wins: Floats) -> Floats:
    return wins + wins.swapaxes(-1, -2)


def win_chances(theta: Floats) -> Floats:
    """That the row beats the column; (runs, K, K)."""
    return sigmoid(theta[:, :, None] - theta[:, None, :])


def vote_chances(theta: Floats, votes: Votes) -> Floats:
    """That the first of each vote wins; (runs, votes)."""
    take = np.take_along_axis
    return sigmoid(take(theta, votes.first, -1) - take(theta, votes.second, -1))


def information(theta: Floats, wins: Floats) -> Floats:
    """Fisher's information about the strengths; (runs, K, K), each row adding up to 0."""
    chance = win_chances(theta)
    return laplacian(games(wins) * chance * (1 - chance))


def laplacian(links: Floats) -> Floats:
    """Row sums on the diagonal minus `links` (…, K, K), symmetric and 0 on their own diagonal."""
    return np.asarray(np.eye(links.shape[-1]) * links.sum(-1)[..., None] - links)


def inverse_of(matrices: Floats) -> Floats:
    """The inverse across differences of strengths: their common level is not identified, and stays at 0."""
    models = matrices.shape[-1]
    level = np.full((models, models), 1 / models)
    scale = np.maximum(np.trace(matrices, axis1=-2, axis2=-1), 1e-9)[..., None, None]
    return np.asarray(np.linalg.inv(matrices + scale * (level + 1e-12 * np.eye(models))) - level / scale)


def sigmoid(x: Floats) -> Floats:
    chance: Floats = 1 / (1 + np.exp(-np.clip(x, -700, 700)))
    return chance
