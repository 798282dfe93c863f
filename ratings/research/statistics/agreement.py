"""Agreement between raters: Krippendorff's alpha, with an interval that takes units for the sample."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Level = Literal["nominal", "ordinal"]
Floats = NDArray[np.float64]

LEAST_UNITS = 30  # below, the interval covers less than it promises
LARGEST = 1 - 1e-6  # alpha, before Fisher's scale ends
NOTHING = 1e-18


@dataclass(frozen=True, slots=True)
class Agreement:
    """Krippendorff's alpha over `units` pictures or pairs rated twice or more.

    `low` and `high` are a 95 % interval; None where there are fewer than `LEAST_UNITS`.
    """

    alpha: float
    low: float | None
    high: float | None
    units: int


def agreement(counts: Sequence[Sequence[int]], *, level: Level) -> Agreement | None:
    """Alpha of `counts` (units x values: how often each value was given).

    The interval speaks of other pictures of the same kind: a jackknife over units. Answers of one unit depend on each
    other, so they are left out together.

    Args:
        level: ordinal for ratings, nominal for pairs.

    Returns:
        None where alpha is undefined: fewer than two units rated twice, or the same answer to everything.
    """
    table: NDArray[np.int64] = np.asarray([row for row in counts if sum(row) >= 2], dtype=np.int64)
    if len(table) < 2 or np.count_nonzero(table.sum(axis=0)) < 2:
        return None
    units = _coincidences(table)
    whole = units.sum(axis=0)
    alpha = float(_alpha(whole, level))
    low, high = _interval(alpha, _alpha(whole - units, level)) if len(table) >= LEAST_UNITS else (None, None)
    return Agreement(alpha, low, high, len(table))


def _coincidences(table: NDArray[np.int64]) -> Floats:
    """How often two answers to one unit were each pair of values, each unit weighing as many as it has answers.

    Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), section C. Shape (units, values, values).
    """
    pairs = table[:, :, None] * table[:, None, :] - np.eye(table.shape[1]) * table[:, :, None]
    return np.asarray(pairs / (table.sum(axis=1) - 1)[:, None, None], dtype=np.float64)


def _alpha(coincidences: Floats, level: Level) -> Floats:
    """1 - observed / expected disagreement of each table (…, values, values); NaN where nothing can disagree."""
    totals = coincidences.sum(-1)
    if level == "nominal":
        distance = np.broadcast_to(1 - np.eye(totals.shape[-1]), coincidences.shape)
    else:
        rank = np.cumsum(totals, -1) - totals / 2
        distance = (rank[..., :, None] - rank[..., None, :]) ** 2
    answers = totals.sum(-1)
    observed = (coincidences * distance).sum((-1, -2))
    expected = (totals[..., :, None] * totals[..., None, :] * distance).sum((-1, -2))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(1 - (answers - 1) * observed / expected)


def _interval(alpha: float, left_out: Floats) -> tuple[float | None, float | None]:
    """The 95 % interval from the alphas without each unit, on Fisher's scale, where alpha varies evenly.

    Without the jackknife's bias. A few units that say much make the variance uncertain, so the degrees of freedom fall
    with the kurtosis of what each contributes. None where without one unit nothing disagrees, or where nothing varies.
    """
    from scipy import stats  # seconds to import: not at the start of every process

    if not np.isfinite(left_out).all():
        return None, None
    units, each = len(left_out), _fisher(left_out)
    moved = each - each.mean()
    squares = float((moved**2).sum())
    if squares < NOTHING:
        return None, None
    kurtosis = units * float((moved**4).sum()) / squares**2
    degrees = min(units - 1.0, max(2.0, 2 * units / (kurtosis - 1)))
    middle = units * float(_fisher(np.float64(alpha))) - (units - 1) * float(each.mean())
    half = float(stats.t.ppf(0.975, degrees)) * float(np.sqrt((units - 1) / units * squares))
    return float(np.tanh(middle - half)), float(np.tanh(middle + half))


def _fisher(alpha: Floats | np.float64) -> Floats:
    return np.asarray(np.arctanh(np.clip(alpha, -LARGEST, LARGEST)))
