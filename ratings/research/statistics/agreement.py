"""Agreement between raters: Krippendorff's alpha, by the libraries of its authors."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import krippendorff
import numpy as np
from numpy.typing import NDArray

Level = Literal["nominal", "ordinal"]

RESAMPLES = 1_000
SEED = 20_260_301  # fixed, so that a page shown twice says the same


@dataclass(frozen=True, slots=True)
class Agreement:
    """Krippendorff's alpha with a 95 % interval, over `units` pictures or pairs rated twice or more."""

    alpha: float
    low: float
    high: float
    units: int


def agreement(counts: Sequence[Sequence[int]], *, level: Level) -> Agreement | None:
    """Alpha of `counts` (units x values); `level` is ordinal for ratings, nominal for pairs.

    The interval is Krippendorff's own bootstrap (2006), which resamples disagreements and takes pairs of
    answers for independent. None where alpha is undefined: fewer than two units rated twice, or everybody
    gave the same answer to everything.
    """
    table: NDArray[np.int64] = np.asarray([row for row in counts if sum(row) >= 2], dtype=np.int64)
    if len(table) < 2 or np.count_nonzero(table.sum(axis=0)) < 2:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # distances between values that nobody chose
        alpha = float(krippendorff.alpha(value_counts=table, level_of_measurement=level))
    low, high = _interval(table, level)
    return Agreement(alpha, low, high, len(table))


def _interval(table: NDArray[np.int64], level: Level) -> tuple[float, float]:
    import evalica  # both bring a second of imports that most processes never need
    import pandas as pd

    raters = int(table.sum(axis=1).max())
    answers: NDArray[np.float64] = np.full((len(table), raters), np.nan)
    for unit, row in enumerate(table):
        values = np.repeat(np.arange(1, len(row) + 1), row)
        answers[unit, : len(values)] = values
    result = evalica.alpha_bootstrap(pd.DataFrame(answers.T), distance=level, n_resamples=RESAMPLES, random_state=SEED)
    return float(result.low), float(result.high)
