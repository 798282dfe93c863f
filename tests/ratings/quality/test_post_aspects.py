"""The scores of a post's aspects."""

import pytest

from accounts.models import User
from feed.models import PostAspect
from ratings.quality.post_aspects import refresh_aspects
from tests.conftest import MakeMember
from tests.ratings.answers import rate
from tests.ratings.conftest import Publish


@pytest.fixture
def crowd(make_member: MakeMember) -> list[User]:
    return [make_member(f"rater{n}") for n in range(6)]


def test_aspects_of_a_post_keep_the_spread_of_what_others_said(
    alice: User, publish: Publish, crowd: list[User]
) -> None:
    image = publish(alice)
    for rater, value in zip(crowd, [1, 5, 1, 5, 1, 5], strict=True):
        rate(rater, image, value)
    rate(alice, image, 3)
    refresh_aspects(images=[image.pk])
    assert PostAspect.objects.get().spread == pytest.approx(2.0)
