"""The statement that computes means in the database, against the pure functions that say what a mean is."""

from datetime import timedelta

import numpy as np
import pytest
from django.utils import timezone

from accounts.models import User
from ratings.research import reports
from ratings.research.statistics import Clusters, cap_rater_weights, two_way_interval
from tests.conftest import MakeMember
from tests.ratings.answers import rate
from tests.ratings.conftest import Publish


def test_the_database_computes_the_mean_and_interval_of_the_pure_functions(
    alice: User, publish: Publish, make_member: MakeMember
) -> None:
    """One rater gives four fifths of the answers, and is capped."""
    people = [make_member(f"rater{n}") for n in range(7)]
    images = [publish(alice, seed=seed) for seed in range(24)]
    pairs = [(0, picture) for picture in range(24)] + [(1 + n, 5 * n % 24) for n in range(6)]
    values = [1 + (3 * person + 2 * image + person * image) % 5 for person, image in pairs]
    for (person, image), step in zip(pairs, values, strict=True):
        rate(people[person], images[image], step)
    snapshot = reports.compute_snapshot(days=30, at=timezone.now() + timedelta(seconds=1))
    assert snapshot is not None
    figure = snapshot.aspects.along("").get()

    rater, picture, value = (
        np.array([pair[0] for pair in pairs]),
        np.array([pair[1] for pair in pairs]),
        np.array(values),
    )
    factors = cap_rater_weights(np.bincount(rater).astype(float))
    weight = factors[rater]
    assert factors[0] < 1
    mean = np.average(value, weights=weight)
    raters, pictures = (
        Clusters.of(np.bincount(group, weight * value), np.bincount(group, weight)) for group in (rater, picture)
    )
    answers = len(value)
    by_answer = ((weight * (value - mean)) ** 2).sum() / weight.sum() ** 2 * answers / (answers - 1)
    low, high = two_way_interval(mean, raters, pictures, by_answer)
    assert figure.mean == pytest.approx(mean)
    assert (figure.low, figure.high) == pytest.approx((max(1.0, float(low)), min(5.0, float(high))))
    assert figure.effective_raters == pytest.approx(float(raters.effective))  # type: ignore[arg-type]
    assert figure.effective_pictures == pytest.approx(float(pictures.effective))  # type: ignore[arg-type]
    assert (figure.raters, figure.pictures, figure.answers) == (7, 24, answers)
