"""What votes add up to, and when they decide."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from feed.challenges.models import Closing as StoredClosing
from ratings.challenges.closing import JUDGES_TO_END_EARLY, LEAST_JUDGES, Closing, decide_closing
from ratings.challenges.standings import MOST_DENSE, Standing, fit_standing, trust, weigh_judges
from ratings.research.statistics import Votes
from ratings.research.statistics.likelihood import best_strengths, win_table

ENDS = datetime(2026, 3, 9, 5, tzinfo=UTC)
BEFORE = ENDS - timedelta(seconds=1)


def votes(rows: list[tuple[int, int, float]], judges: list[int] | None = None) -> Votes:
    first, second, score = (np.array(column) for column in zip(*rows, strict=True)) if rows else ([], [], [])
    rater = np.asarray(judges if judges is not None else np.arange(len(rows)), np.int64)
    return Votes(
        np.asarray(first, np.int64), np.asarray(second, np.int64), np.asarray(score, float), rater, rater,
        np.ones(len(rows)),
    )  # fmt: skip


def drawn(theta: list[float], number: int, seed: int = 1) -> Votes:
    """Votes of many judges, as a model with these strengths gives them."""
    rng = np.random.default_rng(seed)
    first = rng.integers(0, len(theta), number)
    second = (first + rng.integers(1, len(theta), number)) % len(theta)
    strength = np.array(theta)
    score = rng.random(number) < 1 / (1 + np.exp(strength[second] - strength[first]))
    judge = rng.integers(0, 200, number)
    return Votes(first, second, score.astype(float), judge, judge, np.ones(number))


def test_strengths_agree_with_the_maximum_likelihood_of_the_research_pages() -> None:
    cast = drawn([1.0, 0.4, 0.0, -1.4], 4000)
    reference = best_strengths(win_table(cast.as_runs(), 4))[0]
    assert fit_standing(cast, 4).theta == pytest.approx(reference, abs=0.03)


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    theta = np.array([1.0, 0.4, 0.0, -1.4])
    inside = []
    for seed in range(150):
        standing = fit_standing(drawn(list(theta), 600, seed), 4)
        inside += [low <= truth <= high for n, truth in enumerate(theta) for low, high in [standing.interval(n)]]
    assert 0.91 < np.mean(inside) < 0.99


def test_an_entry_that_won_everything_has_a_finite_strength_and_votes_of_no_weight_say_nothing() -> None:
    won = votes([(0, 1, 1.0)] * 10)
    standing = fit_standing(won, 2)
    assert np.isfinite(standing.theta).all()
    assert standing.theta[0] > standing.theta[1]
    nothing = Votes(won.first, won.second, won.score, won.rater, won.prompt, np.zeros(10))
    assert fit_standing(nothing, 2).theta == pytest.approx([0, 0], abs=1e-6)
    assert fit_standing(votes([]), 3).theta.tolist() == [0, 0, 0]


def test_thousands_of_entries_are_ranked_too() -> None:
    theta = list(np.linspace(2, -2, MOST_DENSE + 100))
    standing = fit_standing(drawn(theta, 20_000), len(theta))
    assert np.corrcoef(standing.theta, theta)[0, 1] > 0.9
    assert standing.lead(0, len(theta) - 1) > 3


def test_judges_who_answer_at_random_or_the_wrong_way_round_weigh_less_and_honest_ones_as_before() -> None:
    theta = np.array([2.0, 1.0, -1.0, -2.0])
    honest = drawn(list(theta), 4000)
    rng = np.random.default_rng(7)
    first = rng.integers(0, 4, 80)
    second = (first + rng.integers(1, 4, 80)) % 4
    wrong = (theta[first] < theta[second]).astype(float)
    both = Votes(
        *(
            np.concatenate([getattr(honest, name), extra])
            for name, extra in zip(
                Votes.__slots__,
                (first, second, wrong, np.full(80, 200), np.full(80, 200), np.ones(80)),
                strict=True,
            )
        )
    )
    weighed = weigh_judges(both, 4)
    assert weighed.weight[-80:].max() < 0.1 * weigh_judges(honest, 4).weight.min()
    assert np.mean(weighed.weight[:-80] / weigh_judges(honest, 4).weight) > 0.95


def test_a_judge_counts_once_for_each_entry() -> None:
    of_one = votes([(0, 1, 1.0), (0, 2, 1.0), (0, 3, 1.0), (1, 2, 1.0)], [0, 0, 0, 0])
    assert weigh_judges(of_one, 4).weight == pytest.approx([1 / 3, 1 / 3, 1 / 3, 1 / 2])


def test_who_always_prefers_one_member_is_trusted_less_about_their_entries() -> None:
    surprise, variance = np.array([0.3, 4.0, -4.0, 1.0, 2.2]), np.array([2.0, 2.0, 2.0, 0.5, 1.0])
    assert trust(surprise, variance).round(2).tolist() == [1.0, 0.45, 0.45, 1.0, 0.87]


def standing_of(theta: list[float], variance: float = 0.01, appearances: float = 100) -> Standing:
    size = len(theta)
    own = np.full(size, variance)
    return Standing(np.array(theta), own, np.full(size, float(appearances)), np.diag(own), np.diag(own))


@pytest.mark.parametrize(
    ("standing", "judges", "at", "closing"),
    [
        (standing_of([1.0, 0.0]), JUDGES_TO_END_EARLY, BEFORE, Closing.SEPARATED),
        (standing_of([1.0, 0.0]), JUDGES_TO_END_EARLY - 1, BEFORE, None),
        (standing_of([1.0, 0.0], appearances=3), JUDGES_TO_END_EARLY, BEFORE, None),
        (standing_of([0.2, 0.0]), 500, BEFORE, None),
        (standing_of([0.2, 0.0]), LEAST_JUDGES, ENDS, Closing.TIME),
        (standing_of([0.2, 0.0]), LEAST_JUDGES - 1, ENDS, Closing.FEW_JUDGES),
        (standing_of([0.0, 0.0, 0.0]), 500, ENDS, Closing.TIED),
        (standing_of([0.0]), 0, BEFORE, Closing.ONE_ENTRY),
        (standing_of([]), 0, BEFORE, Closing.NO_ENTRIES),
    ],
)
def test_a_challenge_ends_when_the_first_is_clear_or_the_time_is_up_and_says_which(
    standing: Standing, judges: int, at: datetime, closing: Closing | None
) -> None:
    shown = range(len(standing.theta))
    assert decide_closing(standing, shown=shown, judges=judges, at=at, ends_at=ENDS) == closing


def test_who_rests_or_was_taken_down_is_no_winner_to_wait_for() -> None:
    standing = standing_of([2.0, 0.05, 0.0])
    arguments = {"judges": 500, "at": BEFORE, "ends_at": ENDS}
    assert decide_closing(standing, shown=[0, 1, 2], **arguments) == Closing.SEPARATED  # type: ignore[arg-type]
    assert decide_closing(standing, shown=[0, 1, 2], resting=[0], **arguments) is None  # type: ignore[arg-type]
    assert decide_closing(standing, shown=[1, 2], **arguments) is None  # type: ignore[arg-type]
    assert decide_closing(standing, shown=[1], **arguments) == Closing.ONE_ENTRY  # type: ignore[arg-type]


def test_the_reasons_have_the_same_names_where_they_are_stored() -> None:
    assert set(StoredClosing.values) == {each.value for each in Closing}
