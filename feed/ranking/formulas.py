"""Ranking formulas: pure functions of counts and times."""

import math
from datetime import datetime

SECONDS_PER_TENFOLD = 45_000  # 12½ hours of age weigh as much as ten times the votes
SAVE_WEIGHT, REMIX_WEIGHT = 2, 3
Z_95 = 1.959963984540054  # the 97.5 % quantile of the normal distribution


def weight(*, likes: int, saves: int, remixes: int) -> int:
    """The weight w of a post. Each count is of distinct, unrestricted members other than the author."""
    return likes + SAVE_WEIGHT * saves + REMIX_WEIGHT * remixes


def age_term(published_at: datetime) -> float:
    """The part of `hot` that comes from time: epoch seconds / 45,000, without a unit."""
    return published_at.timestamp() / SECONDS_PER_TENFOLD


def vote_term(w: int) -> float:
    """The part of `hot` that comes from votes: log10 of w, at least 0."""
    return math.log10(max(w, 1))


def hot(w: int, published_at: datetime) -> float:
    """``log10(max(w, 1)) + epoch_seconds / 45000``: Reddit's form with our weights and without downvotes.

    Age is in the score, so the score only changes with a vote, and nothing has to decay.
    """
    return vote_term(w) + age_term(published_at)


def wilson_lower_bound(successes: int, trials: int, z: float = Z_95) -> float:
    """The lower end of Wilson's score interval for a proportion (E. B. Wilson, 1927); 0 without trials.

    Raises:
        ValueError: more successes than trials, or a negative count.
    """
    if not 0 <= successes <= trials:
        raise ValueError("successes must lie between 0 and trials")
    if not trials:
        return 0.0
    share, spread = successes / trials, z * z / trials
    margin = z * math.sqrt((share * (1 - share) + spread / 4) / trials)
    return min(share, max(0.0, (share + spread / 2 - margin) / (1 + spread)))  # rounding may step outside
