"""When a challenge is decided, and why. Pure."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

import numpy as np

from ratings.challenges.design import LEAST_APPEARANCES
from ratings.challenges.standings import Standing

LEAST_JUDGES = 5  # fewer, and there is no ranking
JUDGES_TO_END_EARLY = 20
CLEAR_LEAD = 3.0  # standard errors: it is looked at again and again, so 1.96 would be too few
LEVEL = 1e-6  # of log-strengths: closer is a tie


class Closing(StrEnum):
    """Why voting ended."""

    SEPARATED = "separated"  # the first is clearly ahead of the second
    TIME = "time"  # the time was up
    FEW_JUDGES = "few_judges"  # the time was up, and too few had voted: no ranking
    TIED = "tied"  # the time was up, and no entry was ahead of another: no ranking
    ONE_ENTRY = "one_entry"  # nothing to compare: no ranking
    NO_ENTRIES = "no_entries"


def decide_closing(
    standing: Standing,
    *,
    shown: Sequence[int],
    resting: Sequence[int] = (),
    judges: int,
    at: datetime,
    ends_at: datetime,
) -> Closing | None:
    """Why a challenge ends at `at`, or None while voting goes on.

    Args:
        standing: of all entries.
        shown: places in the standing of the entries that can be seen; one that was taken down is none of them.
        resting: places of those whose members rest after a win.
        judges: members with a vote that counts.
        ends_at: when the time is up.
    """
    if len(shown) < 2:
        return Closing.ONE_ENTRY if shown else Closing.NO_ENTRIES
    if at >= ends_at:
        return _closing_by_time(standing.theta[list(shown)], judges)
    has_floor = bool((standing.appearances[list(shown)] >= LEAST_APPEARANCES).all())
    competing = sorted(set(shown) - set(resting), key=lambda place: -standing.theta[place])
    if judges < JUDGES_TO_END_EARLY or not has_floor or len(competing) < 2:
        return None
    return Closing.SEPARATED if standing.lead(competing[0], competing[1]) >= CLEAR_LEAD else None


def _closing_by_time(theta: "np.ndarray", judges: int) -> Closing:
    if judges < LEAST_JUDGES:
        return Closing.FEW_JUDGES
    return Closing.TIED if float(np.ptp(theta)) < LEVEL else Closing.TIME
