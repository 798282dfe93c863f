"""A few made-up days through the functions that the site uses; `benchmarks/challenges.py` runs a year of them."""

from benchmarks.challenges import figures
from benchmarks.support.challenge_world import Sizes, World


def test_votes_find_the_best_entry_that_likes_miss_and_a_ring_gains_less_by_them() -> None:
    found = figures(World(2, Sizes(judges=60, entrants=10)).run(6))
    best = found["true_best_among_first_three"]
    moved = found["places_the_ring_moves_its_entry_median"]
    assert best["votes"] > 0.8
    assert best["votes"] >= best["likes"]
    assert moved["votes"] < moved["likes"]
