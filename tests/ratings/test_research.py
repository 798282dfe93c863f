"""What the research team reads, and who may."""

from datetime import datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from ratings import reports
from ratings.models import DrawTally, Policy
from tests.conftest import As, MakeMember
from tests.generation.fixtures import checkpoint_row
from tests.ratings.answers import leave_unanswered, rate, vote
from tests.ratings.conftest import Hang


@pytest.fixture
def since() -> datetime:
    return timezone.now() - timedelta(days=30)


@pytest.fixture
def crowd(make_member: MakeMember) -> list[User]:
    return [make_member(f"rater{n}") for n in range(6)]


def test_the_page_is_for_researchers_and_to_others_not_there(alice: User, mod: User, rita: User, as_user: As) -> None:
    for user, status in ((None, 404), (alice, 404), (mod, 404), (rita, 200)):
        assert as_user(user).get(reverse("ratings:research")).status_code == status
    page = as_user(rita).get(reverse("ratings:research"), {"days": "a while"})
    assert "Nobody has been asked in this period" in page.content.decode()


def test_response_is_counted_by_surface_and_stratum(
    alice: User, bob: User, hang: Hang, crowd: list[User], since: datetime
) -> None:
    image = hang(alice)
    for rater in crowd[:3]:
        rate(rater, image, 4)
    leave_unanswered(bob, image)
    rate(alice, image, 5)
    rows = {row.surface: row for row in reports.responses(since)}
    assert (rows["post"].asks, rows["post"].rate) == (4, 0.75)
    assert (rows["result"].asks, rows["result"].rate) == (1, 1.0)
    assert reports.responses(timezone.now() + timedelta(minutes=1)) == []


def test_aspect_means_stand_by_surface_with_an_interval_and_the_number_of_people(
    alice: User, hang: Hang, crowd: list[User], since: datetime
) -> None:
    image = hang(alice)
    for rater, value in zip(crowd, [3, 4, 4, 5, 3, 5], strict=True):
        rate(rater, image, value)
    rate(alice, image, 1)
    by_surface = {row.surface: row for row in reports.aspect_means(since, reports.responses(since))}
    others, own = by_surface["post"], by_surface["result"]
    assert others.question == "lighting"
    assert (others.estimate.mean, others.naive) == pytest.approx((4.0, 4.0))
    assert others.estimate.low is not None
    assert others.estimate.high is not None
    assert 3 < others.estimate.low < 4 < others.estimate.high < 5
    assert (others.estimate.answers, others.estimate.raters) == (6, 6)
    assert (own.estimate.mean, own.estimate.low) == (1.0, None)


def test_model_against_model_counts_each_side_whichever_was_older(
    alice: User, hang: Hang, crowd: list[User], since: datetime
) -> None:
    other = checkpoint_row("zeta", "zeta")
    toy, zeta = hang(alice, seed=1), hang(alice, seed=2, checkpoint=other)
    later_toy = hang(alice, seed=3)
    for rater in crowd:
        vote(rater, toy, zeta, toy)
        vote(rater, zeta, later_toy, zeta if rater == crowd[0] else later_toy, swapped=True)
    vote(alice, toy, zeta, "tie")
    vote(alice, zeta, later_toy, "both_bad")
    vote(crowd[0], toy, later_toy, toy)  # one model: no duel
    (duel,) = reports.duels(since)
    assert (duel.first, duel.second) == ("toy", "zeta")
    assert (duel.wins, duel.losses, duel.ties, duel.both_bad) == (11, 1, 1, 1)
    assert duel.share
    assert duel.share.mean == pytest.approx(11.5 / 13)
    assert duel.share.raters == 7
    assert duel.odds == pytest.approx(11.5 / 1.5)


def test_the_page_shows_every_part_with_a_chart_that_can_be_read_aloud(
    alice: User, bob: User, rita: User, hang: Hang, crowd: list[User], as_user: As
) -> None:
    one, two = hang(alice, seed=1), hang(alice, seed=2, checkpoint=checkpoint_row("zeta", "zeta"))
    for rater in crowd:
        rate(rater, one, 4)
        vote(rater, one, two, one)
    leave_unanswered(bob, one)
    DrawTally.objects.count_draw(Policy.objects.current(), timezone.localdate(), "post", "new/first", 0.0, "day")
    html = as_user(rita).get(reverse("ratings:research"), {"days": "7"}).content.decode()
    for part in ('role="img"', "<title id=", "lighting", "zeta", "new", "at the limit", "aria-current"):
        assert part in html
    assert " style=" not in html


def test_the_page_costs_the_same_however_much_was_answered(
    alice: User, rita: User, hang: Hang, crowd: list[User], as_user: As, django_assert_max_num_queries: object
) -> None:
    for seed in range(3):
        image = hang(alice, seed=seed)
        for rater in crowd:
            rate(rater, image, 1 + seed)
    client = as_user(rita)
    with django_assert_max_num_queries(20):  # type: ignore[operator]
        assert client.get(reverse("ratings:research")).status_code == 200
