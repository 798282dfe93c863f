"""Agreement between raters: Krippendorff's alpha and its interval."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

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
    low, high = _interval(table, level)
    return Agreement(_alpha(table, level), low, high, len(table))


def _alpha(table: NDArray[np.int64], level: Level) -> float:
    """One minus observed over expected disagreement, by the table of coincidences.

    Source: Krippendorff, "Computing Krippendorff's alpha-reliability" (2011), sections C and D.
    """
    answers = table.sum(axis=1)
    pairs = table[:, :, None] * table[:, None, :] - table[:, :, None] * np.eye(table.shape[1], dtype=np.int64)
    coincidences = (pairs / (answers - 1)[:, None, None]).sum(axis=0)
    totals = coincidences.sum(axis=0)
    distances = _distances(totals, level)
    observed = (coincidences * distances).sum()
    expected = (np.outer(totals, totals) * distances).sum() / (totals.sum() - 1)
    return float(1 - observed / expected)


def _distances(totals: NDArray[np.float64], level: Level) -> NDArray[np.float64]:
    """Squared differences between values: 0 or 1, or by how many answers lie between two ranks."""
    if level == "nominal":
        return 1 - np.eye(len(totals))
    ranks = np.cumsum(totals) - totals / 2
    return (ranks[:, None] - ranks[None, :]) ** 2


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
