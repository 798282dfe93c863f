"""The leaderboard at equal looks: what is left of a model's lead once its pictures are no sharper or more colourful."""

from collections.abc import Iterator
from datetime import datetime
from itertools import chain
from typing import Any

import numpy as np
from django.db import connection

from ratings.research.reports.model_comparisons import (
    PART,
    VOTE_COLUMNS,
    VOTE_ROWS,
    comparable_votes,
    odds_of,
    votes_from_rows,
)
from ratings.research.statistics import controlled_strengths

MOST_VOTES = 200_000  # the newest of a period
FEATURES = ("sharpness", "saturation", "lightness")

CONTROLLED_SQL = f"""
WITH votes AS (SELECT c.id, {VOTE_COLUMNS}, il.sharpness - ih.sharpness AS sharpness,
    il.saturation - ih.saturation AS saturation, il.lightness - ih.lightness AS lightness
    {VOTE_ROWS})
SELECT low_model, high_model, prompt, rater_id, score, is_side_swapped, sharpness, saturation, lightness
FROM votes WHERE sharpness IS NOT NULL ORDER BY id DESC
"""  # noqa: S608  # put together from constants


def controlled_leaderboard(since: datetime) -> dict[str, Any]:
    """`rows`: each model's odds against the average model at equal looks, the best first; `effects`: the odds of a
    picture with one standard deviation more of a feature. Both empty where votes do not connect two models.

    The length of a prompt is no feature: both pictures of a vote have the same prompt.
    """
    with connection.chunked_cursor() as cursor:
        cursor.execute(CONTROLLED_SQL, {"since": since, "most": MOST_VOTES})
        rows = list(chain.from_iterable(iter(lambda: cursor.fetchmany(PART), [])))
    found = votes_from_rows(row[:6] for row in rows)
    features = np.array([row[6:] for row in rows], dtype=np.float64).reshape(-1, len(FEATURES))
    names, votes, kept = comparable_votes(found)
    if len(names) < 2:
        return {"rows": [], "effects": []}
    fitted = controlled_strengths(votes, features[kept], len(names))
    order = np.argsort(-fitted.theta)
    return {
        "rows": [_row("model", names[at], fitted.theta[at], fitted.theta_spread[at]) for at in order],
        "effects": list(_effects(fitted.effects, fitted.effects_spread)),
        "votes": len(votes),
    }


def _effects(effects: Any, spreads: Any) -> Iterator[dict[str, Any]]:
    for name, effect, spread in zip(FEATURES, effects, spreads, strict=True):
        yield _row("feature", name, effect, spread)


def _row(kind: str, name: str, point: float, spread: float) -> dict[str, Any]:
    """A point is in log-odds; NaN ends become None."""
    ends = {"odds": odds_of(point), "low": odds_of(point - spread), "high": odds_of(point + spread)}
    return {kind: name, **ends}
