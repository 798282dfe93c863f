"""Ranking formulas, as properties."""

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feed.ranking import formulas

times = st.floats(1.6e9, 4.1e9).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
votes = st.integers(min_value=0, max_value=10**7)


@given(votes, votes, times)
def test_more_votes_never_rank_lower(one: int, other: int, at: datetime) -> None:
    low, high = sorted((one, other))
    assert formulas.hot(low, at) <= formulas.hot(high, at)


@given(votes, times)
def test_ten_times_the_votes_make_up_for_twelve_and_a_half_hours(w: int, at: datetime) -> None:
    older = at - timedelta(seconds=formulas.SECONDS_PER_TENFOLD)
    assert math.isclose(formulas.hot(max(w, 1), at), formulas.hot(10 * max(w, 1), older), abs_tol=1e-6)


@given(times)
def test_hot_is_the_sum_of_the_terms_that_a_post_shows(at: datetime) -> None:
    assert formulas.hot(7, at) == formulas.vote_term(7) + formulas.age_term(at)


def test_saves_and_remixes_weigh_more_than_likes() -> None:
    assert formulas.weight(likes=5, saves=2, remixes=1) == 5 + 2 * 2 + 3


@given(st.integers(0, 500), st.integers(0, 500))
def test_wilson_bound_stays_below_the_share_and_within_zero_and_one(one: int, other: int) -> None:
    successes, trials = sorted((one, other))
    bound = formulas.wilson_lower_bound(successes, trials)
    assert 0 <= bound <= (successes / trials if trials else 0) <= 1


@given(st.integers(1, 300), st.integers(2, 50))
def test_wilson_bound_grows_with_evidence_for_the_same_share(trials: int, times_more: int) -> None:
    few = formulas.wilson_lower_bound(trials, 2 * trials)
    many = formulas.wilson_lower_bound(trials * times_more, 2 * trials * times_more)
    assert few < many


def test_wilson_bound_matches_a_published_value() -> None:
    # 10 of 20: Wilson's 95 % interval is 0.2993 to 0.7007
    assert formulas.wilson_lower_bound(10, 20) == pytest.approx(0.2993, abs=5e-5)


def test_wilson_bound_refuses_impossible_counts() -> None:
    with pytest.raises(ValueError):
        formulas.wilson_lower_bound(3, 2)
