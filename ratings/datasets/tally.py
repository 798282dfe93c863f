"""Votes about one pair, counted; pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Vote:
    rater: int
    preferred: int | None  # an image id; None: a tie, or both bad
    is_both_bad: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class Tally:
    """`decider` is the first vote for the winner: the row carries its rater and day."""

    n_low: int
    n_high: int
    n_tie: int
    n_both_bad: int
    winner: int | None
    decider: Vote | None

    @property
    def n_votes(self) -> int:
        return self.n_low + self.n_high + self.n_tie + self.n_both_bad

    @property
    def margin(self) -> float:
        """How far ahead the winner is, as a share of all votes: 0 to 1."""
        return abs(self.n_low - self.n_high) / self.n_votes

    @property
    def consensus(self) -> float:
        """The winner's share of the votes that chose a side: above 0.5, up to 1."""
        return max(self.n_low, self.n_high) / (self.n_low + self.n_high)


def count(votes: Iterable[Vote], low: int, high: int) -> Tally:
    """Counts the votes about the pair (`low`, `high`), given in the order they were cast."""
    cast = list(votes)
    n_low = sum(vote.preferred == low for vote in cast)
    n_high = sum(vote.preferred == high for vote in cast)
    n_both_bad = sum(vote.is_both_bad for vote in cast)
    winner = None if n_low == n_high else low if n_low > n_high else high
    decider = next((vote for vote in cast if winner is not None and vote.preferred == winner), None)
    return Tally(n_low, n_high, len(cast) - n_low - n_high - n_both_bad, n_both_bad, winner, decider)
