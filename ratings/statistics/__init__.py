"""What answers amount to: means, strengths, intervals, agreement. Pure: arrays in, figures out.

`docs/statistics.md` says in words what each figure means and what it cannot tell.
"""

from ratings.statistics.agreement import Agreement, agreement
from ratings.statistics.likelihood import Votes
from ratings.statistics.means import (
    LEAST_CLUSTERS,
    Estimate,
    Moments,
    cluster_interval,
    response_interval,
    sensitivity_band,
    weighted_mean,
)
from ratings.statistics.pairs import Strengths, cap_weights, odds, strengths
from ratings.statistics.robustness import Robustness, drop_few, left_share

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
