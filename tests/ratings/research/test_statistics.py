"""Means, intervals and agreement, against the libraries' own figures and by simulation with a known truth."""

import math

import evalica
import krippendorff
import numpy as np
import pytest
import statsmodels.api as sm
from scipy.stats import t as student
from statsmodels.stats.proportion import proportion_confint

from ratings.research.statistics import (
    Clusters,
    Votes,
    agreement,
    cap_rater_weights,
    cap_weights,
    drop_few,
    left_share,
    odds,
    rater_interval,
    response_interval,
    sensitivity_band,
    strengths,
    two_way_interval,
    weighted_mean,
)
from ratings.research.statistics.agreement import Level

# The example of evalica's README and its Bradley-Terry scores, as published there
FOOD = """Pizza,Sushi,left Burger,Pasta,right Tacos,Pizza,left Sushi,Tacos,right Burger,Pizza,left Pasta,Sushi,right
Tacos,Burger,left Pizza,Pasta,tie Sushi,Burger,right Pasta,Tacos,left Burger,Sushi,right Tacos,Pizza,left
Sushi,Pasta,tie Burger,Tacos,left Pizza,Burger,right Pasta,Tacos,right Burger,Sushi,right Tacos,Pasta,left
Pizza,Tacos,right Sushi,Burger,left Pasta,Pizza,right Burger,Sushi,right Tacos,Pasta,left Pizza,Sushi,left
Sushi,Burger,right Pasta,Tacos,right Tacos,Pizza,left Burger,Pasta,right Sushi,Tacos,left Pizza,Burger,right"""
PUBLISHED = {
    "Tacos": 2.509025136024378,
    "Sushi": 1.1011561298265815,
    "Burger": 0.8549063627182466,
    "Pasta": 0.7403814336665869,
    "Pizza": 0.5718366915548537,
}


def votes_of(rows: list[tuple[int, int, float]], rater: list[int] | None = None) -> Votes:
    first, second, score = (np.array(column) for column in zip(*rows, strict=True))
    each = np.arange(len(rows))
    raters = each if rater is None else np.array(rater)
    return Votes(first, second, score.astype(float), raters, each, np.ones(len(rows)))


def contest(wins: int, losses: int) -> list[tuple[int, int, float]]:
    return [(0, 1, 1.0)] * wins + [(0, 1, 0.0)] * losses


def test_an_interval_by_rater_is_the_jackknife_done_the_long_way() -> None:
    rng = np.random.default_rng(1)
    raters = rng.integers(0, 40, 2_000)
    weights, values = rng.uniform(1, 50, 2_000), rng.integers(1, 6, 2_000).astype(float)
    sums, totals = np.bincount(raters, weights * values), np.bincount(raters, weights)
    estimate = weighted_mean(list(sums), list(totals), list(range(40)), answers=2_000)
    assert estimate
    assert estimate.mean == pytest.approx(np.average(values, weights=weights))
    without = [np.average(values[raters != one], weights=weights[raters != one]) for one in range(40)]
    variance = 39 / 40 * ((np.array(without) - estimate.mean) ** 2).sum()
    effective = totals.sum() ** 2 / (totals**2).sum()
    half = student.ppf(0.975, effective - 1) * math.sqrt(variance)
    assert (estimate.low, estimate.high) == pytest.approx((estimate.mean - half, estimate.mean + half))
    assert (estimate.answers, estimate.raters) == (2_000, 40)


def test_two_ways_are_never_narrower_than_either_and_need_enough_of_both() -> None:
    rng = np.random.default_rng(3)
    sums, weights = rng.uniform(1, 9, 25), rng.uniform(1, 3, 25)
    raters, pictures = Clusters.of(sums, weights), Clusters.of(sums[:10], weights[:10])
    mean = sums.sum() / weights.sum()
    low, high = two_way_interval(mean, raters, pictures, 0.0)
    one_way = rater_interval(mean, raters)
    assert low < one_way[0] < mean < one_way[1] < high
    for few in (Clusters.of(sums[:4], weights[:4]), Clusters.of([*sums[:4], 0.0], [*weights[:4], 0.0])):
        assert np.isnan(two_way_interval(mean, few, pictures, 0.0)).all()
        assert np.isnan(two_way_interval(mean, raters, few, 0.0)).all()


def test_one_rater_who_gives_most_answers_weighs_no_more_than_five_average_ones() -> None:
    factors = cap_rater_weights([[1.0] * 19 + [381.0], [1.0] * 20])
    assert factors[0] == pytest.approx([1.0] * 19 + [100 / 381])
    assert factors[1] == pytest.approx([1.0] * 20)


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
    counts = [
        [sum(rating == value for rating in unit) for value in range(1, 6)] for unit in zip(*observers, strict=True)
    ]
    nominal, ordinal = agreement(counts, level="nominal"), agreement(counts, level="ordinal")
    assert nominal
    assert ordinal
    whole = krippendorff.alpha(reliability_data=observers, level_of_measurement="ordinal", value_domain=[1, 2, 3, 4, 5])
    assert nominal.alpha == pytest.approx(0.7434210526315788, abs=1e-6)  # evalica's README too
    assert ordinal.alpha == pytest.approx(whole, abs=1e-6)
    assert ordinal.alpha == pytest.approx(0.815, abs=5e-4)  # as printed there
    assert nominal.units == 11
    assert nominal.low is None  # eleven units are too few


@pytest.mark.parametrize("level", ["nominal", "ordinal"])
def test_alpha_is_the_librarys_and_its_interval_leaves_out_one_unit_at_a_time(level: Level) -> None:
    rng = np.random.default_rng(5)
    counts = rng.multinomial(4, [0.1, 0.2, 0.3, 0.3, 0.1], 40) + np.eye(5, dtype=int)[rng.integers(0, 5, 40)] * 3
    found = agreement(counts.tolist(), level=level)
    assert found
    whole = krippendorff.alpha(value_counts=counts, level_of_measurement=level)
    assert found.alpha == pytest.approx(whole)
    without = np.arctanh(
        [krippendorff.alpha(value_counts=np.delete(counts, unit, 0), level_of_measurement=level) for unit in range(40)]
    )
    assert found.low is not None
    assert found.high is not None
    middle = 40 * np.arctanh(whole) - 39 * without.mean()
    assert np.arctanh([found.low, found.high]).mean() == pytest.approx(middle)
    half, deviation = np.arctanh(found.high) - middle, math.sqrt(39 / 40 * ((without - without.mean()) ** 2).sum())
    assert student.ppf(0.975, 39) - 1e-9 <= half / deviation < student.ppf(0.975, 10)


def test_few_units_or_full_agreement_get_an_alpha_and_no_interval() -> None:
    few, full = [[2, 1], [0, 3], [3, 0]] * 6, [[3, 0], [0, 3]] * 40
    for counts in (few, full):
        found = agreement(counts, level="nominal")
        assert found
        assert (found.low, found.high) == (None, None)


@pytest.mark.parametrize("counts", [[], [[2, 0]], [[2, 0], [3, 0]], [[1, 0], [0, 1]]])
def test_alpha_is_undefined_where_nothing_can_agree(counts: list[list[int]]) -> None:
    assert agreement(counts, level="nominal") is None


def test_odds_and_the_sensitivity_band() -> None:
    assert odds(5 / 7) == pytest.approx(2.5)
    assert odds(1.0) == math.inf
    assert sensitivity_band(2.9, 3.1, 0.4) == pytest.approx((2.6, 3.4))
    assert sensitivity_band(4.9, 4.9, 0.0) == pytest.approx((4.4, 5.0))
    low, high = response_interval(30, 100)
    assert (low, high) == pytest.approx(proportion_confint(30, 100, method="wilson"), abs=1e-9)


def test_strengths_are_those_of_evalicas_published_example() -> None:
    names = sorted(PUBLISHED)
    rows = []
    for line in FOOD.split():
        left, right, winner = line.split(",")
        rows.append((names.index(left), names.index(right), {"left": 1.0, "right": 0.0, "tie": 0.5}[winner]))
    theta = strengths(votes_of(rows), len(names)).theta
    published = np.log([PUBLISHED[name] for name in names])
    winners = [{1.0: evalica.Winner.X, 0.0: evalica.Winner.Y, 0.5: evalica.Winner.Draw}[row[2]] for row in rows]
    exact = evalica.bradley_terry(
        [names[row[0]] for row in rows], [names[row[1]] for row in rows], winners, tolerance=1e-12, limit=10_000
    )
    library = np.log([exact.scores[name] for name in names])
    assert theta == pytest.approx(library - library.mean(), abs=1e-6)
    assert theta == pytest.approx(published - published.mean(), abs=1e-5)  # the README stops iterating at 1e-6


def test_naive_errors_are_those_of_a_logistic_regression_and_clustered_ones_the_jackknife_itself() -> None:
    rng = np.random.default_rng(4)
    n, raters = 400, 25
    first = rng.integers(0, 3, n)
    second = (first + rng.integers(1, 3, n)) % 3
    rater = rng.integers(0, raters, n)
    score = (rng.random(n) < 1 / (1 + np.exp(-(0.5 * (first - second))))).astype(float)
    votes = Votes(first, second, score, rater, np.arange(n), np.ones(n))
    found = strengths(votes, 3)
    design = (first[:, None] == [1, 2]).astype(float) - (second[:, None] == [1, 2]).astype(float)
    logit = sm.Logit(score, design).fit(disp=0)
    point, low, _high = found.gap(1, 0, is_naive=True)
    assert point == pytest.approx(logit.params[0], abs=1e-6)
    assert (point - low) / 1.959964 == pytest.approx(logit.bse[0], abs=1e-5)
    left_out = np.array([strengths(votes.without(np.flatnonzero(rater == one)), 3).theta for one in range(raters)])
    moved = left_out - found.theta
    jackknife = (moved.T @ moved) * (raters - 1) / raters
    assert found.by_rater == pytest.approx(jackknife, rel=0.02)  # one Newton step, against fitting 25 times


def test_several_runs_at_once_give_what_each_gives_alone() -> None:
    rng = np.random.default_rng(6)
    shape = (4, 200)
    first = rng.integers(0, 4, shape)
    second = (first + rng.integers(1, 4, shape)) % 4
    score, rater, prompt = rng.integers(0, 3, shape) / 2, rng.integers(0, 9, shape), rng.integers(0, 30, shape)
    rater[0] %= 7  # a run with fewer raters than another
    votes = Votes(first, second, score, rater, prompt, rng.uniform(0.5, 1, shape))
    together = strengths(votes, 4).gap(2, 0)
    for run in range(4):
        alone = Votes(*(getattr(votes, name)[run] for name in Votes.__slots__))
        assert [part[run] for part in together] == pytest.approx(list(strengths(alone, 4).gap(2, 0)))


def test_a_model_that_never_lost_is_ranked_and_gets_no_interval() -> None:
    found = strengths(votes_of([(0, 1, 1.0)] * 8 + [(1, 2, 1.0), (2, 1, 1.0)] * 4), 3)
    assert not found.is_bounded
    assert np.argmax(found.theta) == 0
    assert np.isnan(found.each()[1]).all()


def test_few_people_or_few_prompts_get_no_interval() -> None:
    found = strengths(votes_of(contest(9, 6), rater=[0, 1, 2] * 5), 2)
    assert np.isnan(found.gap(0, 1)[1])
    assert found.gap(0, 1)[0] == pytest.approx(np.log(1.5))


def test_nobody_s_votes_weigh_more_than_the_cap() -> None:
    weights = cap_weights(np.array([0, 0, 0, 0, 1, 2, 2]), 2)
    assert weights == pytest.approx([0.5, 0.5, 0.5, 0.5, 1, 1, 1])


def test_dropping_few_votes_is_checked_by_fitting_anew() -> None:
    votes = votes_of(contest(53, 50))
    found = drop_few(votes, 2)
    assert (found.leader, found.heir, found.votes) == (0, 1, 103)
    assert found.dropped == 4  # 49 against 50; 50 against 50 is no lead
    assert drop_few(votes_of(contest(80, 20)), 2).dropped is None


def test_the_position_effect_is_the_left_sides_share() -> None:
    effect = left_share(np.array([6, 6, 6, 6, 6, 0]), np.array([10, 10, 10, 10, 10, 0]))
    assert effect
    assert (effect.mean, effect.raters, effect.answers) == (0.6, 5, 50)
    assert left_share(np.array([0]), np.array([0])) is None
