"""Region marks: which pictures are shown, which marks count, through page and API."""

import json
import math
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from generation.models import Image
from ratings.asking import services
from ratings.asking.marks.services import MOST_MARKS, Place, answer_marking, draw_marking, places_of
from ratings.asking.tokens import token_for
from ratings.models import Ask, QualityFlag, Question, Rating, RegionMark
from ratings.personal_data import export
from ratings.quality import flags as quality_flags
from tests.conftest import ApiAs, As
from tests.ratings.answers import refusal
from tests.ratings.conftest import MakePolicy, Publish

pytestmark = pytest.mark.django_db


def asked(rater: User) -> Ask:
    ask = draw_marking(rater=rater)
    assert ask is not None
    return ask


@pytest.fixture
def picture(alice: User, publish: Publish) -> Image:
    return publish(alice, prompt="a fox with a hat")


@pytest.mark.usefixtures("always")
def test_marks_are_stored_once_with_their_words_and_in_order(picture: Image, bob: User) -> None:
    ask = asked(bob)
    assert (ask.surface, ask.image, ask.p_ask, ask.p_question, ask.p_pair) == ("marks", picture, 1, 0.5, 1)
    assert ask == asked(bob)  # leaving it draws no other
    call: dict[str, Any] = {"token": token_for(ask), "rater": bob}
    places = [Place(0.25, 0.123456, " hand "), Place(1, 0)]
    answer_marking(**call, places=places)
    assert places_of(ask) == [Place(0.25, 0.1235, "hand"), Place(1, 0)]
    assert answer_marking(**call, places=places).outcome == "answered"
    assert refusal(answer_marking, **call, places=places[:1]).status == 409
    assert refusal(answer_marking, **call, places=[]).status == 409
    assert RegionMark.objects.count() == 2
    assert draw_marking(rater=bob) is None


@pytest.mark.usefixtures("always")
def test_nothing_wrong_is_an_answer_and_no_rating(picture: Image, bob: User) -> None:
    ask = asked(bob)
    assert refusal(services.answer_ask, token=token_for(ask), rater=bob, value=3).status == 404
    answer_marking(token=token_for(ask), rater=bob, places=[])
    mark = RegionMark.objects.get()
    assert (mark.number, mark.x, mark.y) == (0, None, None)
    assert places_of(ask) == []
    assert not Rating.objects.exists()
    (mine,) = export(bob)["marks"]
    assert mine["number"] == 0


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize(
    "places",
    [
        [Place(-0.01, 0.5)],
        [Place(0.5, 1.01)],
        [Place(math.nan, 0.5)],
        [Place(0.5, 0.5, "alice@salon.test")],
        [Place(0.5, 0.5, "10.0.0.1")],
        [Place(0.5, 0.5, "x" * 41)],
        [Place(0.5, 0.5)] * (MOST_MARKS + 1),
    ],
)
def test_what_is_no_mark_is_refused(picture: Image, bob: User, places: list[Place]) -> None:
    ask = asked(bob)
    assert refusal(answer_marking, token=token_for(ask), rater=bob, places=places).status == 400
    assert not RegionMark.objects.exists()


@pytest.mark.usefixtures("always")
def test_words_that_break_the_rules_are_refused(picture: Image, bob: User) -> None:
    call: dict[str, Any] = {"token": token_for(asked(bob)), "rater": bob}
    refused = refusal(answer_marking, **call, places=[Place(0.5, 0.5, "hand"), Place(0.1, 0.1, "fuck")])
    assert refused.status == 400
    assert answer_marking(**call, places=[Place(0.1, 0.1, "hand")]).outcome == "answered"


@pytest.mark.usefixtures("always")
def test_nobody_marks_their_own_picture_or_one_with_a_hidden_prompt(
    picture: Image, alice: User, bob: User, mallory: User
) -> None:
    assert draw_marking(rater=alice) is None
    ask = asked(bob)
    Image.objects.update(is_prompt_hidden=True)
    assert draw_marking(rater=mallory) is None
    Image.objects.update(is_public=False)
    assert refusal(answer_marking, token=token_for(ask), rater=bob, places=[]).status == 404


@pytest.mark.usefixtures("always")
def test_marking_uses_no_turn_of_the_questions_beside_pictures(picture: Image, bob: User) -> None:
    marked = asked(bob)
    ask = services.draw_ask(surface="post", image=picture, rater=bob)
    assert ask is not None
    assert ask.question.form == Question.Form.SCALE
    services.answer_ask(token=token_for(ask), rater=bob, value=4)
    at = timezone.now() + timedelta(seconds=30)
    answer_marking(token=token_for(marked), rater=bob, places=[], dwell_ms=50, at=at)
    raters, _newest = quality_flags.raters_since_mark(at=at)
    assert raters == [bob.pk]
    quality_flags.evaluate_raters(raters=raters, at=at)  # a glance may be enough to see that nothing is wrong
    assert not QualityFlag.objects.filter(ask=marked).exists()


def test_the_page_shows_the_picture_blind_and_takes_marks(
    make_policy: MakePolicy, picture: Image, bob: User, mallory: User, as_user: As
) -> None:
    make_policy(p_ask={"marks": 0.99})
    client, compare = as_user(bob), reverse("ratings:compare")
    page = client.get(compare).content.decode()
    ask = Ask.objects.get()
    assert ask.question.text in page
    assert "a fox with a hat" in page
    assert not any(word in page.partition("<main")[2] for word in (picture.public_id, "alice", "Toy"))
    file = reverse("ratings:compare-picture", args=[ask.public_id, "picture"])
    assert client.get(file)["Content-Type"] == "image/webp"
    assert as_user(mallory).get(file).status_code == 404
    assert client.get(file.replace("picture.webp", "left.webp")).status_code == 404
    send, body = reverse("ratings:marks-answer", args=[ask.public_id]), {"token": token_for(ask), "outcome": "marked"}
    for marks in ("", "[]", "{}", "[1]", '[{"x": 1}]', '[{"x": "a", "y": 1}]', '[{"x": 1e999, "y": 0}]', "[" * 3000):
        assert client.post(send, {**body, "marks": marks}).status_code == 400, marks
    done = client.post(send, {**body, "marks": json.dumps([{"x": 0.5, "y": 0.25, "word": "tail"}])})
    assert (done.status_code, done["Location"]) == (302, compare)
    assert places_of(ask) == [Place(0.5, 0.25, "tail")]


@pytest.mark.usefixtures("always")
def test_marks_go_through_the_api(picture: Image, bob: User, api_as: ApiAs) -> None:
    api = api_as(bob)
    drawn = api.post("/api/markings/").json()
    assert drawn["question"]["slug"] == f"{drawn['aspect']}-marks"
    assert drawn["picture"].endswith("/picture.webp")
    answer = f"/api/markings/{drawn['id']}/answer/"
    assert api.post(answer, {"token": drawn["token"], "marks": [{"x": 2, "y": 0}]}).status_code == 400
    stored = api.post(answer, {"token": drawn["token"], "marks": [{"x": 0.5, "y": 0.5, "word": "eyes"}]})
    assert (stored.status_code, stored.json()["marks"]) == (200, [{"x": 0.5, "y": 0.5, "word": "eyes"}])
    assert api.post("/api/markings/").status_code == 204
    assert api_as(None).post("/api/markings/").status_code == 401
