"""How much a result hangs on few votes, and on which side a picture stood."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ratings.statistics.likelihood import Votes, information, inverse_of, vote_chances, win_table
from ratings.statistics.means import Estimate, weighted_mean
from ratings.statistics.pairs import Strengths, strengths


@dataclass(frozen=True, slots=True)
class Robustness:
    """The fewest votes found whose removal puts another model first; `dropped` is None where none of a tenth did."""

    leader: int
    heir: int | None
    dropped: int | None
    votes: int


def drop_few(votes: Votes, models: int) -> Robustness:
    """Drops the votes that hold the leader up the most, until another model leads (at most a tenth of them).

    Which ones is told by each vote's first-order influence on the gap (Broderick, Giordano and Meager 2020), and
    every removal is checked by fitting anew, so the number is sufficient, though perhaps not the smallest.
    """
    fitted = strengths(votes, models)
    order = np.argsort(-fitted.theta)
    leader, limit = int(order[0]), len(votes) // 10
    best: tuple[int, int] | None = None
    for rival in (int(model) for model in order[1:]):
        dropped = _votes_to_flip(votes, fitted, leader, rival, models, best[0] - 1 if best else limit)
        if dropped is not None:
            best = dropped, rival
    return Robustness(leader, best[1] if best else None, best[0] if best else None, len(votes))


def _votes_to_flip(votes: Votes, fitted: Strengths, leader: int, rival: int, models: int, limit: int) -> int | None:
    gap = float(fitted.theta[leader] - fitted.theta[rival])
    influence = _influence(votes, fitted, leader, rival, models)
    order = np.argsort(-influence)
    held = np.cumsum(influence[order])
    count = int(np.searchsorted(held, gap)) + 1
    while count <= limit and influence[order[count - 1]] > 0:
        again = strengths(votes.without(order[:count]), models).theta
        if again[rival] > again[leader]:
            return count
        count += max(1, count // 10)
    return None


def _influence(votes: Votes, fitted: Strengths, leader: int, rival: int, models: int) -> NDArray[np.float64]:
    """By how much the gap between two models would shrink without each vote, to first order."""
    one, theta = votes.as_runs(), fitted.theta[None]
    inverse = inverse_of(information(theta, win_table(one, models)))[0]
    reach = inverse[leader] - inverse[rival]
    scores = (one.weight * (one.score - vote_chances(theta, one)))[0]
    return np.asarray(scores * (reach[votes.first] - reach[votes.second]))


def left_share(left: NDArray[np.int64], decided: NDArray[np.int64]) -> Estimate | None:
    """How often the left side won, given each rater's wins of the left and votes for either side; 0.5 is no effect.

    Sides are drawn at random, so that anything but a half is the position speaking.
    """
    kept = decided > 0
    raters = [int(number) for number in np.flatnonzero(kept)]
    return weighted_mean(list(left[kept]), list(decided[kept]), raters, answers=int(decided.sum()))
