"""Whether intervals hold what they promise: 2,000 worlds with a known truth, with 30 and with 300 raters.

The seed is printed (`-s`); CI has another, and COVERAGE_SEED sets any.
"""

import os

import numpy as np
import pytest
from numpy.typing import NDArray

from ratings.research.statistics import (
    Clusters,
    Votes,
    agreement,
    cap_rater_weights,
    controlled_strengths,
    rater_interval,
    sensitivity_band,
    strengths,
    two_way_interval,
)
from ratings.research.statistics.agreement import Level
from ratings.research.statistics.likelihood import best_strengths

SEED = int(os.environ.get("COVERAGE_SEED", "4711" if os.environ.get("CI") == "true" else "20260301"))
RUNS = 2_000
TRUTH = 3.0
PROPORTIONS, LEVELS = np.array([0.5, 0.5]), np.array([2.5, 3.5])  # two kinds of member; the truth is between them
RESPONSE = np.array([0.7, 0.25])  # of each kind

Floats = NDArray[np.float64]


def rng_of(name: str, raters: int) -> np.random.Generator:
    print(f"\n{name}, {raters} raters, {RUNS} runs, seed {SEED}", end=": ")
    return np.random.default_rng([SEED, raters, len(name)])


def by_rater(sums: Floats, weights: Floats) -> tuple[Floats, Floats, Floats]:
    """Mean, low and high of each run, from the raters' sums (runs, raters)."""
    mean = sums.sum(1) / weights.sum(1)
    return mean, *rater_interval(mean, Clusters.of(sums, weights))


def covers(low: Floats, high: Floats, truth: float | Floats) -> float:
    return float(np.mean((low <= truth) & (truth <= high)))


@pytest.mark.parametrize("raters", [30, 300])
def test_case_a_where_answering_depends_on_the_stratum_the_weighted_mean_covers_and_the_naive_is_biased(
    raters: int,
) -> None:
    rng = rng_of("Case A", raters)
    shape = (RUNS, raters)
    kind = (rng.random(shape) < PROPORTIONS[1]).astype(int)
    opinion = LEVELS[kind] + rng.normal(0, 0.4, shape)
    p_ask = np.where(rng.random(shape) < 0.5, 0.05, 0.2)  # recorded when drawn
    asks = rng.poisson(200 * p_ask)
    answers = rng.binomial(asks, RESPONSE[kind])
    sums = answers * opinion + rng.normal(0, 0.8, shape) * np.sqrt(answers)
    rate = np.stack([np.where(kind == k, answers, 0).sum(1) / np.where(kind == k, asks, 0).sum(1) for k in (0, 1)], 1)
    weight = 1 / (p_ask * np.take_along_axis(rate, kind, 1))
    mean, low, high = by_rater(sums * weight, answers * weight)
    naive, naive_low, naive_high = by_rater(sums, answers.astype(float))
    covered, naive_covered = covers(low, high, TRUTH), covers(naive_low, naive_high, TRUTH)
    print(f"weighted {mean.mean():.3f} covers {covered:.3f}; naive {naive.mean():.3f} covers {naive_covered:.3f}")
    assert 0.93 <= covered <= 0.97
    assert mean.mean() == pytest.approx(TRUTH, abs=0.01)
    assert naive.mean() < TRUTH - 0.2
    assert naive_covered < 0.75


@pytest.mark.parametrize("raters", [30, 300])
def test_case_b_where_answering_depends_on_the_answer_no_weight_helps_and_the_sensitivity_band_is_needed(
    raters: int,
) -> None:
    rng = rng_of("Case B", raters)
    asks = 20
    opinion = rng.normal(TRUTH, 0.4, (RUNS, raters, 1))
    value = np.clip(np.rint(opinion + rng.normal(0, 0.8, (RUNS, raters, asks))), 1, 5)
    truth = float(value.mean())
    is_answered = rng.random(value.shape) < 0.1 + 0.14 * value  # the more it pleases, the sooner one says so
    answers = is_answered.sum(-1)
    response = answers.sum(1) / (raters * asks)
    sums = np.where(is_answered, value, 0).sum(-1)
    mean, low, high = by_rater(sums, answers.astype(float))
    bands = np.array([sensitivity_band(*ends) for ends in zip(low, high, response, strict=True)])
    covered, band_covered = covers(low, high, truth), covers(bands[:, 0], bands[:, 1], truth)
    print(f"truth {truth:.3f}, mean {mean.mean():.3f} covers {covered:.3f}; the band covers {band_covered:.3f}")
    assert covered < 0.6
    assert mean.mean() > truth + 0.1
    assert band_covered > 0.9


@pytest.mark.parametrize(
    ("raters", "pictures", "activity", "picture_effect"),
    [
        *[(raters, 300, activity, 0.0) for raters in (8, 15, 40, 150) for activity in (0.0, 1.3)],
        *[(150, pictures, activity, 0.6) for pictures in (10, 30, 300) for activity in (0.0, 1.3)],
        (15, 10, 1.3, 0.6),
        (15, 30, 1.3, 0.6),
    ],
)
def test_means_cover_other_raters_and_other_pictures(
    raters: int, pictures: int, activity: float, picture_effect: float
) -> None:
    """`activity` is the deviation of the logarithm of how many answers a rater gives, about a dozen on average."""
    rng = rng_of(f"Means, {pictures} pictures, activity {activity}, effect {picture_effect}", raters)
    covered = [
        covers(*mean_interval(rng, raters, pictures, activity, picture_effect), TRUTH) for _run in range(RUNS // 2)
    ]
    print(f"covers {np.mean(covered):.3f}")
    assert 0.93 <= np.mean(covered) <= 0.97


def mean_interval(
    rng: np.random.Generator, raters: int, pictures: int, activity: float, picture_effect: float
) -> tuple[Floats, Floats]:
    """The interval of one world's mean, from its answers."""
    shares = rng.lognormal(0, activity, raters)
    counts = np.clip(rng.poisson(12 * shares / shares.mean()), 1, pictures)
    rater = np.repeat(np.arange(raters), counts)
    picture = np.concatenate([rng.choice(pictures, count, replace=False) for count in counts])
    opinion, quality = rng.normal(0, 0.5, raters), rng.normal(0, picture_effect, pictures)
    value = TRUTH + opinion[rater] + quality[picture] + rng.normal(0, 0.8, len(rater))
    weight = cap_rater_weights(np.bincount(rater).astype(float))[rater]
    mean = np.average(value, weights=weight)
    raters_, pictures_ = (
        Clusters.of(np.bincount(group, weight * value), np.bincount(group, weight)) for group in (rater, picture)
    )
    answers = len(value)
    by_answer = ((weight * (value - mean)) ** 2).sum() / weight.sum() ** 2 * answers / (answers - 1)
    return two_way_interval(mean, raters_, pictures_, by_answer)


@pytest.mark.parametrize("level", ["ordinal", "nominal"])
@pytest.mark.parametrize(("units", "judges", "share"), [(30, 2, 1.0), (45, 3, 0.7), (40, 15, 0.4), (100, 5, 0.5)])
def test_alpha_covers_other_pictures_of_the_same_kind(units: int, judges: int, share: float, level: Level) -> None:
    """Each judge rates a picture with probability `share`; the truth is the alpha of a hundred thousand pictures."""
    rng = rng_of(f"Alpha, {level}, {units} units, share {share}", judges)
    whole = agreement(answer_counts(rng, 100_000, judges, share).tolist(), level=level)
    assert whole
    found = [agreement(answer_counts(rng, units, judges, share).tolist(), level=level) for _run in range(RUNS // 2)]
    ends = np.array([(one.low, one.high) for one in found if one and one.low is not None], dtype=float)
    covered = covers(ends[:, 0], ends[:, 1], whole.alpha)
    print(f"alpha {whole.alpha:.3f}, covers {covered:.3f}")
    assert 0.92 <= covered <= 0.975  # of 1,000 runs


def answer_counts(rng: np.random.Generator, units: int, judges: int, share: float) -> NDArray[np.int64]:
    """How often each of five values was given to each unit that two or more judges rated."""
    seen = rng.normal(0, 1, (units, 1)) + rng.normal(0, 1, (units, judges))
    value, rated = np.digitize(seen, [-1.5, -0.5, 0.5, 1.5]), rng.random((units, judges)) < share
    counts = np.stack([((value == step) & rated).sum(1) for step in range(5)], 1)
    return np.asarray(counts[counts.sum(1) > 1])


@pytest.mark.parametrize(("raters", "prompts", "votes"), [(30, 40, 600), (300, 60, 1500)])
def test_two_way_intervals_of_strengths_cover_where_people_and_prompts_differ(
    raters: int, prompts: int, votes: int
) -> None:
    rng = rng_of("Bradley-Terry", raters)
    models, spread, at_once = 4, 0.5, 200
    truth = average_strengths(np.linspace(-0.6, 0.6, models), 2 * np.hypot(spread, spread) ** 2)
    covered, naive = [], []
    for _ in range(RUNS // at_once):
        fitted = strengths(simulated_votes(rng, at_once, raters, prompts, votes, models, spread), models)
        for model in range(1, models):
            gap = truth[model] - truth[0]
            covered.append(covers(*fitted.gap(model, 0)[1:], gap))
            naive.append(covers(*fitted.gap(model, 0, is_naive=True)[1:], gap))
    print(f"two-way covers {np.mean(covered):.3f}; naive covers {np.mean(naive):.3f}")
    assert 0.93 <= np.mean(covered) <= 0.975
    assert np.mean(naive) < 0.88


def test_strengths_at_equal_looks_cover_where_looks_explain_a_part_of_the_lead() -> None:
    """Model 1 is as good as model 0 but sharper, and sharpness pleases; people and prompts differ besides."""
    rng, raters, prompts, votes, models = rng_of("Equal looks", 40), 40, 50, 800, 3
    covered, covered_effect, led = [], [], []
    truth, sharper, pleases = np.array([0.0, 0.0, 0.6]), np.array([0.0, 1.0, 0.5]), 0.7
    for _run in range(RUNS // 4):
        first = rng.integers(0, models, votes)
        second = (first + rng.integers(1, models, votes)) % models
        rater, prompt = rng.integers(0, raters, votes), rng.integers(0, prompts, votes)
        feature = sharper[first] - sharper[second] + rng.normal(0, 1, votes)
        taste = rng.normal(0, 0.3, (raters, models))
        drawn = truth[first] - truth[second] + pleases * feature + taste[rater, first] - taste[rater, second]
        score = (rng.random(votes) < 1 / (1 + np.exp(-drawn))).astype(float)
        cast = Votes(first, second, score, rater, prompt, np.ones(votes))
        fitted = controlled_strengths(cast, feature[:, None], models)
        low, high = fitted.theta - fitted.theta_spread, fitted.theta + fitted.theta_spread
        covered.append(covers(low, high, truth - truth.mean()))
        effect = pleases * feature.std()
        covered_effect.append(abs(fitted.effects[0] - effect) <= fitted.effects_spread[0])
        plain = strengths(cast, models)
        led.append(plain.gap(1, 0)[1] > 0)
    print(f"strengths {np.mean(covered):.3f}, effect {np.mean(covered_effect):.3f}, led without {np.mean(led):.3f}")
    assert 0.93 <= np.mean(covered) <= 0.985
    assert 0.92 <= np.mean(covered_effect) <= 0.985
    assert np.mean(led) > 0.9, "without control the sharper model is taken for the better one"


def simulated_votes(
    rng: np.random.Generator, runs: int, raters: int, prompts: int, votes: int, models: int, spread: float
) -> Votes:
    """Worlds where each rater, and each prompt, favours some models; a few people vote far more than others."""
    run, shape = np.arange(runs)[:, None], (runs, votes)
    first = rng.integers(0, models, shape)
    second = (first + rng.integers(1, models, shape)) % models
    share = np.cumsum(rng.gamma(1, 1, (runs, raters)), 1)
    rater = (rng.random(shape)[:, :, None] * share[:, -1:, None] > share[:, None, :]).sum(-1)
    prompt = rng.integers(0, prompts, shape)
    level = np.linspace(-0.6, 0.6, models)
    by_rater, by_prompt = (rng.normal(0, spread, (runs, n, models)) for n in (raters, prompts))
    drawn = [level[side] + by_rater[run, rater, side] + by_prompt[run, prompt, side] for side in (first, second)]
    score = (rng.random(shape) < 1 / (1 + np.exp(drawn[1] - drawn[0]))).astype(float)
    return Votes(first, second, score, rater, prompt, np.ones(shape))


def average_strengths(theta: Floats, variance: float) -> Floats:
    """The strengths that describe win rates averaged over people and prompts: what votes estimate."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(41)
    gaps = theta[:, None, None] - theta[None, :, None] + np.sqrt(variance) * nodes
    chances = (1 / (1 + np.exp(-gaps)) * weights / weights.sum()).sum(-1)
    np.fill_diagonal(chances, 0)
    return np.asarray(best_strengths(chances[None])[0])
