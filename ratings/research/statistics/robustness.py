"""How much a result depends on few votes, and on the side a picture was shown on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ratings.research.statistics.likelihood import (
    Floats,
    Votes,
    finite_strengths,
    information,
    inverse_of,
    vote_chances,
    win_table,
)
from ratings.research.statistics.means import Estimate, weighted_mean

NOTHING = 1e-9  # wins: what is left of a weight that was added and taken away again


@dataclass(frozen=True, slots=True)
class Robustness:
    """The fewest votes found whose removal puts another model first; `dropped` is None where none of a tenth did."""

    leader: int
    heir: int | None
    dropped: int | None
    votes: int


def drop_few(votes: Votes, models: int) -> Robustness:
    """Drops the votes that favour the leader most, until another model leads (at most a tenth of them).

    They are chosen by each vote's first-order influence on the gap (Broderick, Giordano and Meager 2020), and
    every removal is checked by fitting anew, so the number is sufficient, though perhaps not the smallest.
    """
    wins = win_table(votes.as_runs(), models)
    theta = finite_strengths(wins)[0]
    order = np.argsort(-theta[0])
    leader, limit = int(order[0]), len(votes) // 10
    best: tuple[int, int] | None = None
    for rival in (int(model) for model in order[1:]):
        dropped = _votes_to_flip(votes, wins, theta, (leader, rival), best[0] - 1 if best else limit)
        if dropped is not None:
            best = dropped, rival
    return Robustness(leader, best[1] if best else None, best[0] if best else None, len(votes))


def _votes_to_flip(votes: Votes, wins: Floats, theta: Floats, pair: tuple[int, int], limit: int) -> int | None:
    """`wins` (1, K, K) and `theta` (1, K) are those of all `votes`. A fit needs the table of wins alone."""
    leader, rival = pair
    influence = _influence(votes, wins, theta, pair)
    order = np.argsort(-influence)
    held = np.cumsum(influence[order])
    count = int(np.searchsorted(held, theta[0, leader] - theta[0, rival])) + 1
    while count <= limit and influence[order[count - 1]] > 0:
        rest = wins - win_table(votes.at(order[:count]).as_runs(), wins.shape[-1])
        again = finite_strengths(np.where(rest > NOTHING, rest, 0.0))[0][0]
        if again[rival] > again[leader]:
            return count
        count += max(1, count // 10)
    return None


def _influence(votes: Votes, wins: Floats, theta: Floats, pair: tuple[int, int]) -> Floats:
    """By how much the gap between two models would shrink without each vote, to first order."""
    inverse = inverse_of(information(theta, wins))[0]
    reach = inverse[pair[0]] - inverse[pair[1]]
    one = votes.as_runs()
    scores = (one.weight * (one.score - vote_chances(theta, one)))[0]
    return np.asarray(scores * (reach[votes.first] - reach[votes.second]))


def left_share(left: NDArray[np.int64], decided: NDArray[np.int64]) -> Estimate | None:
    """How often the left side won, given each rater's wins of the left and votes for either side; 0.5 is no effect.

    Sides are drawn at random, so that anything but a half is the position speaking.
    """
    kept = decided > 0
    raters = [int(number) for number in np.flatnonzero(kept)]
    return weighted_mean(list(left[kept]), list(decided[kept]), raters, answers=int(decided.sum()))
