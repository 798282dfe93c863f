"""Rankings: which pictures are put in order, which orders count, through page and API."""

from math import comb
from typing import Any

import pytest
from django.urls import reverse

from accounts.models import User
from generation.models import Image
from ratings.asking import services
from ratings.asking.rankings.services import answer_ranking, draw_ranking, pictures_of, ranks_of
from ratings.asking.tokens import token_for
from ratings.models import Ask, Comparison, RankedPicture
from ratings.personal_data import export
from tests.conftest import ApiAs, As
from tests.ratings.answers import refusal, siblings
from tests.ratings.conftest import MakePolicy, Publish

pytestmark = pytest.mark.django_db


def asked(rater: User) -> Ask:
    ask = draw_ranking(rater=rater)
    assert ask is not None
    return ask


@pytest.fixture
def pictures(alice: User, publish: Publish) -> list[Image]:
    return siblings(alice, publish, n=5, prompt="a fox")


@pytest.mark.usefixtures("always")
def test_an_order_is_stored_once_and_is_no_vote(pictures: list[Image], alice: User, bob: User) -> None:
    ask = asked(bob)
    shown = [image.pk for image in pictures_of(ask)]
    assert len(set(shown)) == 4
    assert ask.subject == [min(shown), max(shown)]
    assert (ask.surface, ask.p_ask, ask.p_question) == ("ranking", 1, 1)
    assert (ask.p_pair, ask.p_side) == pytest.approx((1 / comb(5, 4), 1 / 24))
    assert ask == asked(bob)
    call: dict[str, Any] = {"token": token_for(ask), "rater": bob}
    for wrong in ([1, 2, 3], [1, 2, 3, 3], [0, 1, 2, 3], [1, 2, 3, 5]):
        assert refusal(answer_ranking, **call, ranks=wrong).status == 400
    assert refusal(services.answer_comparison, **call, outcome="left").status == 404
    answer_ranking(**call, ranks=[2, 1, 4, 3])
    assert ranks_of(ask) == [2, 1, 4, 3]
    assert answer_ranking(**call, ranks=[2, 1, 4, 3]).outcome == "answered"
    assert refusal(answer_ranking, **call, ranks=[1, 2, 3, 4]).status == 409
    assert not Comparison.objects.exists()
    assert len(export(bob)["rankings"]) == 4
    assert draw_ranking(rater=bob) is None  # one picture is left
    assert draw_ranking(rater=alice) is None  # her own


@pytest.mark.usefixtures("always")
def test_a_picture_in_the_middle_that_is_unpublished_closes_the_ranking(pictures: list[Image], bob: User) -> None:
    ask = asked(bob)
    middle = next(row.image_id for row in RankedPicture.objects.filter(ask=ask) if row.image_id not in ask.subject)
    assert Ask.objects.about_images([middle]).get() == ask
    Image.objects.filter(pk=middle).update(is_public=False)
    assert pictures_of(ask) == []
    assert refusal(answer_ranking, token=token_for(ask), rater=bob, ranks=[1, 2, 3, 4]).status == 404
    assert ranks_of(ask) == [None] * 4


@pytest.mark.usefixtures("always")
def test_two_pictures_of_a_prompt_are_too_few(alice: User, bob: User, publish: Publish) -> None:
    siblings(alice, publish, n=2)
    assert draw_ranking(rater=bob) is None


def test_the_page_ranks_with_and_without_scripts(
    make_policy: MakePolicy, pictures: list[Image], bob: User, mallory: User, as_user: As
) -> None:
    make_policy(p_ask={"ranking": 0.99})
    client, compare = as_user(bob), reverse("ratings:compare")
    page = client.get(compare).content.decode()
    ask = Ask.objects.get()
    assert ask.question.text in page
    assert not any(word in page.partition("<main")[2] for word in (*(each.public_id for each in pictures), "Toy"))
    for place in "0123":
        file = reverse("ratings:compare-picture", args=[ask.public_id, place])
        assert client.get(file)["Content-Type"] == "image/webp"
        assert as_user(mallory).get(file).status_code == 404
    send, body = reverse("ratings:ranking-answer", args=[ask.public_id]), {"token": token_for(ask)}
    for ranks in ([], ["1"], ["1", "2", "3", "x"], ["1", "1", "2", "3"]):
        assert client.post(send, {**body, "outcome": "ranked", "rank": ranks}).status_code == 400, ranks
    done = client.post(send, {**body, "outcome": "ranked", "rank": ["3", "1", "2", "4"]})
    assert (done.status_code, done["Location"]) == (302, compare)
    assert ranks_of(ask) == [3, 1, 2, 4]


@pytest.mark.usefixtures("always")
def test_a_ranking_goes_through_the_api(pictures: list[Image], bob: User, api_as: ApiAs) -> None:
    api = api_as(bob)
    drawn = api.post("/api/rankings/").json()
    assert (drawn["prompt"], len(drawn["pictures"])) == ("a fox", 4)
    answer = f"/api/rankings/{drawn['id']}/answer/"
    assert api.post(answer, {"token": drawn["token"], "ranks": [1, 2, 3]}).status_code == 400
    stored = api.post(answer, {"token": drawn["token"], "ranks": [4, 3, 2, 1]})
    assert (stored.status_code, stored.json()["ranks"]) == (200, [4, 3, 2, 1])
    assert api_as(None).post("/api/rankings/").status_code == 401
