"""The jackknife behind the intervals: how strengths change without one rater or one prompt."""

import numpy as np

from ratings.research.statistics.likelihood import Floats, Ints, Votes, laplacian, vote_chances

GROUPS_AT_ONCE = 20_000  # bounds the memory: a K x K matrix each
NEARLY_NOTHING = 1e-6  # a group that alone holds two models together gets a huge variance, not a division by 0


class Jackknife:
    """Covariances of log-strengths from what groups of votes contribute.

    `votes` are runs of (runs, votes), `theta` their strengths (runs, K), `inverse` that of the information.
    """

    def __init__(self, votes: Votes, theta: Floats, inverse: Floats) -> None:
        chance = vote_chances(theta, votes)
        self.runs, self.models = theta.shape
        self.inverse = inverse
        self.first, self.second = votes.first.ravel(), votes.second.ravel()
        self.score = (votes.weight * (votes.score - chance)).ravel()
        self.known = (votes.weight * chance * (1 - chance)).ravel()

    def covariance(self, groups: Ints, *, is_plain: bool = False) -> Floats:
        """(runs, K, K) for groups numbered from 0, shape (runs, votes).

        Each group is left out by one Newton step with the information of the rest (CR3); `is_plain` keeps the
        information of all (CR1), which is as good for groups of a few votes and far cheaper.
        """
        numbers = int(groups.max()) + 1
        dense = (np.arange(self.runs)[:, None] * numbers + groups).ravel()
        order = np.argsort(dense, kind="stable")
        present, starts = np.unique(dense[order], return_index=True)
        run_of = present // numbers
        total = np.zeros((self.runs, self.models, self.models))
        for block in range(0, len(present), GROUPS_AT_ONCE):
            end = block + GROUPS_AT_ONCE
            stop = starts[end] if end < len(present) else len(order)
            votes = order[starts[block] : stop]
            group = np.searchsorted(present[block:end], dense[votes])
            moved = self._moves(votes, group, run_of[block:end], is_plain)
            np.add.at(total, run_of[block:end], moved[:, :, None] * moved[:, None, :])
        counts = np.bincount(run_of, minlength=self.runs).astype(np.float64)
        factor = counts / np.maximum(counts - 1, 1) if is_plain else (counts - 1) / counts
        return np.asarray(total * factor[:, None, None])

    def _moves(self, votes: Ints, group: Ints, run_of: Ints, is_plain: bool) -> Floats:
        """By how much leaving out each group would move the strengths; (groups, K)."""
        inverse, size = self.inverse[run_of], len(run_of) * self.models
        first, second = self.first[votes], self.second[votes]
        scores = np.bincount(group * self.models + first, self.score[votes], size)
        scores -= np.bincount(group * self.models + second, self.score[votes], size)
        whole = np.einsum("gij,gj->gi", inverse, scores.reshape(-1, self.models))
        if is_plain:
            return np.asarray(whole)
        place = (group * self.models + first) * self.models + second
        links = np.zeros((len(run_of), self.models, self.models))
        links += np.bincount(place, self.known[votes], size * self.models).reshape(links.shape)
        rest = np.eye(self.models) - np.matmul(inverse, laplacian(links + links.swapaxes(-1, -2)))
        return np.asarray(np.linalg.solve(rest + NEARLY_NOTHING * np.eye(self.models), whole[:, :, None])[:, :, 0])
