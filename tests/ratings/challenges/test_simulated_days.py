"""Made-up days of challenges; `benchmarks/challenges.py` runs a year and a month of them."""

import pytest
from django.utils import timezone

from benchmarks.challenges import figures
from benchmarks.support.challenge_month import TRIES, Month
from benchmarks.support.challenge_world import Sizes, World
from feed.models import Challenge, ChallengeEntry
from ratings.models import Comparison, Flag
from tests.generation.fixtures import MakeImage


def test_votes_find_the_best_entry_that_likes_miss_and_a_ring_gains_less_by_them() -> None:
    found = figures(list(World(2, Sizes(judges=60, entrants=10)).run(6)))
    best = found["true_best_among_first_three"]
    moved = found["places_the_ring_moves_its_entry_median"]
    assert best["votes"] > 0.8
    assert best["votes"] >= best["likes"]
    assert moved["votes"] < moved["likes"]


@pytest.mark.long
def test_through_the_services_a_flood_is_refused_and_fast_clicks_count_for_nothing(
    db: None, make_image: MakeImage
) -> None:
    month = Month(1, Sizes(judges=16, entrants=4, ring=4, pairs=(4, 8)), timezone.now(), make_image)
    days = list(month.run(2))
    assert Challenge.objects.finished().count() == 2
    assert {day.closing for day in days} <= {"time", "separated"}
    assert month.refused == 2 * (TRIES - 3)
    assert ChallengeEntry.objects.filter(member__username="flooder").count() == 6
    clicked = Comparison.objects.votes().filter(rater__username="clicker")
    assert clicked.exists()
    assert not clicked.unflagged().exists()
    assert Flag.TOO_FAST in set(clicked.values_list("quality_flags__0", flat=True))
    assert all(day.weight["honest"] > 0.95 for day in days)
