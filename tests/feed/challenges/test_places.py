"""Places, rest after a win, and runs of days."""

from datetime import date, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feed.challenges.places import Result, is_resting, places_of, streak_of

DAY = date(2026, 3, 8)


def test_places_follow_strength_and_ties_share_one() -> None:
    results = [Result(1, 0.5), Result(2, 1.5), Result(3, 0.5), Result(4, -1.0)]
    assert places_of(results) == {2: 1, 1: 2, 3: 2, 4: 4}


def test_a_removed_winner_passes_the_place_on() -> None:
    results = [Result(1, 2.0, is_standing=False), Result(2, 1.0), Result(3, 0.0)]
    assert places_of(results) == {1: None, 2: 1, 3: 2}


def test_who_rests_after_a_win_takes_no_place() -> None:
    assert places_of([Result(1, 2.0, is_resting=True), Result(2, 1.0)]) == {1: None, 2: 1}
    assert is_resting(DAY, [DAY - timedelta(days=14)])
    assert not is_resting(DAY, [DAY - timedelta(days=15)])
    assert not is_resting(DAY, [DAY])


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.tuples(st.integers(-5, 5), st.booleans(), st.booleans()), max_size=12))
def test_whoever_can_be_seen_and_does_not_rest_has_a_place_and_nobody_weaker_has_a_better_one(
    drawn: list[tuple[int, bool, bool]],
) -> None:
    results = [Result(n, *values) for n, values in enumerate(drawn)]
    places = places_of(results)
    placed = [each for each in results if places[each.entry] is not None]
    assert len(placed) == sum(each.is_standing and not each.is_resting for each in results)
    assert not placed or min(places[each.entry] or 0 for each in placed) == 1
    for one in placed:
        for other in placed:
            if one.strength > other.strength:
                assert (places[one.entry] or 0) < (places[other.entry] or 0)


def test_a_streak_counts_days_in_a_row_and_a_day_that_is_not_over_does_not_end_it() -> None:
    days = [DAY - timedelta(days=n) for n in (1, 2, 3, 5)]
    assert streak_of(days, DAY) == 3
    assert streak_of([*days, DAY], DAY) == 4
    assert streak_of(days, DAY + timedelta(days=1)) == 0
    assert streak_of([], DAY) == 0
