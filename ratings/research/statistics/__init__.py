"""Means, strengths, intervals and agreement. Pure: arrays in, figures out.

`docs/statistics.md` explains each figure and its limits.
"""

from ratings.research.statistics.agreement import Agreement, agreement
from ratings.research.statistics.bradley_terry import Strengths, cap_weights, odds, strengths
from ratings.research.statistics.likelihood import Votes
from ratings.research.statistics.means import (
    LEAST_CLUSTERS,
    WEIGHT_CAP,
    Clusters,
    Estimate,
    cap_rater_weights,
    rater_interval,
    response_interval,
    sensitivity_band,
    two_way_interval,
    weighted_mean,
)
from ratings.research.statistics.robustness import Robustness, drop_few, left_share
from ratings.research.statistics.style_control import Controlled, controlled_strengths

__all__ = [
    "LEAST_CLUSTERS",
    "WEIGHT_CAP",
    "Agreement",
    "Clusters",
    "Controlled",
    "Estimate",
    "Robustness",
    "Strengths",
    "Votes",
    "agreement",
    "cap_rater_weights",
    "cap_weights",
    "controlled_strengths",
    "drop_few",
    "left_share",
    "odds",
    "rater_interval",
    "response_interval",
    "sensitivity_band",
    "strengths",
    "two_way_interval",
    "weighted_mean",
]
