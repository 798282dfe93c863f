"""Means, intervals and agreement, against the libraries' own figures and by simulation with a known truth."""

import math

import krippendorff
import numpy as np
import pytest
import statsmodels.api as sm

from ratings.statistics import agreement, odds, sensitivity_band, weighted_mean


def test_cells_of_raters_give_the_figures_of_single_answers() -> None:
    rng = np.random.default_rng(1)
    raters = rng.integers(0, 40, 2_000)
    weights, values = rng.uniform(1, 50, 2_000), rng.integers(1, 6, 2_000).astype(float)
    single = sm.WLS(values, np.ones_like(values), weights=weights).fit(
        cov_type="cluster", cov_kwds={"groups": raters}, use_t=True
    )
    sums, totals = np.bincount(raters, weights * values), np.bincount(raters, weights)
    estimate = weighted_mean(list(sums), list(totals), list(range(40)), answers=2_000)
    assert estimate
    assert estimate.mean == pytest.approx(single.params[0])
    assert (estimate.low, estimate.high) == pytest.approx(tuple(single.conf_int()[0]))
    assert (estimate.answers, estimate.raters) == (2_000, 40)


def test_weights_mend_a_sample_that_asked_some_far_more_often_and_the_interval_covers_the_truth() -> None:
    rng = np.random.default_rng(20_260_301)
    covered, naive = 0, []
    for _ in range(400):
        is_strict = rng.random(120) < 0.5  # two kinds of rater; the truth is 3
        means = np.where(is_strict, 2.0, 4.0) + rng.normal(0, 0.4, 120)
        asked = np.where(is_strict, 0.8, 0.2)
        counts = rng.binomial(10, asked)
        kept = counts > 0
        answers = counts[kept]
        totals = answers * (means[kept] + rng.normal(0, 0.5, kept.sum()) / np.sqrt(answers))
        naive.append(totals.sum() / answers.sum())
        estimate = weighted_mean(
            list(totals / asked[kept]),
            list(answers / asked[kept]),
            list(np.flatnonzero(kept)),
            answers=int(answers.sum()),
        )
        assert estimate
        assert estimate.low is not None
        assert estimate.high is not None
        covered += estimate.low <= 3 <= estimate.high
    assert 0.91 <= covered / 400 <= 0.99
    assert np.mean(naive) < 2.6


def test_few_raters_get_a_mean_and_no_interval() -> None:
    estimate = weighted_mean([8.0, 3.0], [2.0, 1.0], [1, 2], answers=3)
    assert estimate
    assert estimate.mean == pytest.approx(11 / 3)
    assert estimate.low is estimate.high is None
    assert weighted_mean([], [], [], answers=0) is None


def test_alpha_is_that_of_krippendorffs_published_example() -> None:
    # Krippendorff, "Computing Krippendorff's alpha-reliability" (2011): four observers, twelve units
    nan = math.nan
    observers = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, nan, nan, nan],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, nan, 3],
        [nan, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, nan],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, nan],
    ]
    counts = [[sum(said == value for said in unit) for value in range(1, 6)] for unit in zip(*observers, strict=True)]
    assert agreement(counts, level="nominal") == pytest.approx(0.743, abs=5e-4)
    assert agreement(counts, level="ordinal") == pytest.approx(0.815, abs=5e-4)
    whole = krippendorff.alpha(reliability_data=observers, level_of_measurement="ordinal", value_domain=[1, 2, 3, 4, 5])
    assert agreement(counts, level="ordinal") == pytest.approx(whole, abs=1e-6)


@pytest.mark.parametrize("counts", [[], [[2, 0]], [[2, 0], [3, 0]], [[1, 0], [0, 1]]])
def test_alpha_is_undefined_where_nothing_can_agree(counts: list[list[int]]) -> None:
    assert agreement(counts, level="nominal") is None


def test_odds_and_the_sensitivity_band() -> None:
    assert odds(5 / 7) == pytest.approx(2.5)
    assert odds(1.0) == math.inf
    assert sensitivity_band(3.0, 0.4) == pytest.approx((2.7, 3.3))
    assert sensitivity_band(4.9, 0.0) == pytest.approx((4.4, 5.0))
