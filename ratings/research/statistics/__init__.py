"""Means, strengths, intervals and agreement. Pure: arrays in, figures out.

`docs/statistics.md` explains each figure and its limits.
"""

from ratings.research.statistics.agreement import Agreement, agreement
from ratings.research.statistics.bradley_terry import Strengths, cap_weights, odds, strengths
from ratings.research.statistics.likelihood import Votes
from ratings.research.statistics.means import (
    LEAST_CLUSTERS,
    Estimate,
    Moments,
    cluster_interval,
    response_interval,
    sensitivity_band,
    weighted_mean,
)
from ratings.research.statistics.robustness import Robustness, drop_few, left_share

__all__ = [
    "LEAST_CLUSTERS",
    "Agreement",
    "Estimate",
    "Moments",
    "Robustness",
    "Strengths",
    "Votes",
    "agreement",
    "cap_weights",
    "cluster_interval",
    "drop_few",
    "left_share",
    "odds",
    "response_interval",
    "sensitivity_band",
    "strengths",
    "weighted_mean",
]
