"""Comparisons by aspect: drawn with exact probabilities, stored apart from votes, through page and API."""

import random
from collections import Counter
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.services import delete_account
from generation.models import Image
from ratings.asking import services
from ratings.asking.aspects.services import draw_aspect_comparison
from ratings.asking.compare.surfaces import draw_next
from ratings.asking.sampling import Parameters, surface_probabilities
from ratings.asking.tokens import token_for
from ratings.models import Ask, AspectComparison, Comparison, QualityFlag, Question, Surface
from ratings.personal_data import export
from ratings.quality import flags as quality_flags
from tests.conftest import ApiAs, As
from tests.ratings.answers import drawn, refusal, siblings
from tests.ratings.conftest import ALWAYS, MakePolicy, Publish

HALF = {"p_ask": {"result": 1.0, "post": 1.0, "aspect": 0.5}}


def asked(rater: User) -> Ask:
    ask = draw_aspect_comparison(rater=rater)
    assert ask is not None
    return ask


def answer(ask: Ask, rater: User, outcome: str, **more: object) -> Ask:
    fields = {"token": token_for(ask), "rater": rater, "outcome": outcome, "surface": Surface.ASPECT, **more}
    return services.answer_comparison(**fields)  # type: ignore[arg-type]


@pytest.fixture
def pictures(alice: User, publish: Publish) -> list[Image]:
    return siblings(alice, publish, n=4, prompt="a fox")


@pytest.mark.usefixtures("always")
def test_an_answer_by_aspect_is_no_vote_and_a_vote_no_answer_by_aspect(
    pictures: list[Image], bob: User, mallory: User
) -> None:
    ask, pair = asked(bob), drawn(mallory)
    assert ask.question in Question.objects.active().by_aspect()
    assert (ask.surface, ask.p_ask, ask.p_side) == ("aspect", 1, 0.5)
    assert ask.p_question == pytest.approx(1 / 6)
    for wrong, rater, surface in ((ask, bob, Surface.COMPARE), (pair, mallory, Surface.ASPECT)):
        call = {"token": token_for(wrong), "rater": rater, "outcome": "left", "surface": surface}
        assert refusal(services.answer_comparison, **call).status == 404
    answer(ask, bob, "left")
    stored = AspectComparison.objects.get()
    assert (stored.question, stored.preferred, stored.outcome) == (ask.question, ask.left, "left")
    assert answer(ask, bob, "left").outcome == "answered"
    assert refusal(answer, ask=ask, rater=bob, outcome="right").status == 409
    assert not Comparison.objects.exists()


def test_the_page_draws_surfaces_as_often_as_it_says(make_policy: MakePolicy, pictures: list[Image], bob: User) -> None:
    make_policy(**HALF)
    seen: Counter[str] = Counter()
    for seed in range(50):  # fewer than may be drawn in a minute
        ask = draw_next(rater=bob, rng=random.Random(seed))
        assert ask is not None
        assert ask.p_ask == 0.5
        seen[ask.surface] += 1
        ask.delete()
    assert 13 <= seen["aspect"] <= 37  # 0.1 % outside
    first = draw_next(rater=bob)
    assert first == draw_next(rater=bob)  # leaving the page draws no other


def test_probabilities_of_surfaces_add_up_and_leave_out_what_has_nothing_to_ask() -> None:
    parameters = Parameters.from_json(ALWAYS | HALF)
    assert surface_probabilities(parameters, ["compare", "aspect"]) == {"compare": 0.5, "aspect": 0.5}
    assert surface_probabilities(parameters, ["compare"]) == {"compare": 1}
    assert surface_probabilities(parameters, ["aspect"]) == {"aspect": 1}
    assert surface_probabilities(parameters, []) == {}
    assert surface_probabilities(Parameters.from_json(ALWAYS), ["compare", "aspect"]) == {"compare": 1}
    with pytest.raises(ValueError, match="less than 1"):
        Parameters.from_json(ALWAYS | {"p_ask": {"aspect": 1.0}})


@pytest.mark.usefixtures("always")
def test_a_pair_is_asked_about_once_and_never_about_own_pictures(alice: User, bob: User, pictures: list[Image]) -> None:
    assert draw_aspect_comparison(rater=alice) is None
    shown = set()
    while (ask := draw_aspect_comparison(rater=bob)) is not None:
        shown.add(tuple(ask.subject))
        answer(ask, bob, "skip" if len(shown) == 1 else "tie")
    assert len(shown) == 6  # of four pictures
    assert services.draw_comparison(rater=bob) is None


def test_the_page_asks_by_aspect_and_reveals_the_models_afterwards(
    make_policy: MakePolicy, pictures: list[Image], bob: User, as_user: As
) -> None:
    make_policy(p_ask={"aspect": 0.99})
    client = as_user(bob)
    page = client.get(reverse("ratings:compare")).content.decode()
    ask = Ask.objects.get()
    assert ask.surface == "aspect"
    assert ask.question.text in page
    assert "Toy" not in page.partition("<main")[2].partition("</main>")[0]
    assert client.get(reverse("ratings:compare-picture", args=[ask.public_id, "left"])).status_code == 200
    body = {"token": token_for(ask), "outcome": "right", "dwell_ms": "900"}
    done = client.post(reverse("ratings:aspect-answer", args=[ask.public_id]), body)
    assert done["Location"] == reverse("ratings:compare-reveal", args=[ask.public_id])
    html = client.get(done["Location"]).content.decode()
    assert "Toy" in html
    assert ask.question.text in html
    assert AspectComparison.objects.get().preferred == ask.right


@pytest.mark.usefixtures("always")
def test_a_pair_by_aspect_goes_through_the_api(pictures: list[Image], bob: User, api_as: ApiAs) -> None:
    api = api_as(bob)
    pair = api.post("/api/aspect-comparisons/").json()
    assert pair["question"]["slug"] == f"{pair['aspect']}-pair"
    assert pair["prompt"] == "a fox"
    body = {"token": pair["token"], "outcome": "left"}
    assert api.post(f"/api/comparisons/{pair['id']}/answer/", body).status_code == 404
    answered = api.post(f"/api/aspect-comparisons/{pair['id']}/answer/", body)
    assert (answered.status_code, answered.json()["left"]["checkpoint"]) == (200, "toy")
    assert AspectComparison.objects.get().outcome == "left"
    assert api_as(None).post("/api/aspect-comparisons/").status_code == 401


@pytest.mark.usefixtures("always")
def test_hasty_answers_by_aspect_are_flagged_and_what_was_answered_is_a_members_own_data(
    pictures: list[Image], bob: User
) -> None:
    ask, at = asked(bob), timezone.now()
    answer(ask, bob, "left", dwell_ms=100, at=at + timedelta(seconds=1))
    raters, _mark = quality_flags.raters_since_mark(at=at + timedelta(seconds=2))
    quality_flags.evaluate_raters(raters=raters, at=at + timedelta(seconds=2))
    assert QualityFlag.objects.get().flag == "too_fast"
    (mine,) = export(bob)["comparisons_by_aspect"]
    assert mine["question__slug"] == ask.question.slug
    delete_account(user=bob)
    assert not AspectComparison.objects.exists()
