"""The Compare page and its API, blind until the answer."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from generation.models import Generation, Image
from ratings.asking import services
from ratings.asking.tokens import token_for
from ratings.models import Ask, Comparison
from tests.conftest import ApiAs, As
from tests.generation.fixtures import checkpoint_row
from tests.ratings.answers import drawn, siblings
from tests.ratings.conftest import Publish

pytestmark = pytest.mark.usefixtures("always")


def test_the_page_shows_two_pictures_and_says_nothing_about_them(
    alice: User, bob: User, publish: Publish, as_user: As
) -> None:
    other = checkpoint_row("other-model", "other")
    one, two = (
        publish(alice, prompt="a fox", seed=11),
        publish(alice, prompt="a fox", seed=22, checkpoint=other),
    )
    client = as_user(bob)
    html = client.get(reverse("ratings:compare")).content.decode()
    assert "a fox" in html
    for revealing in (
        one.public_id,
        two.public_id,
        one.rendition_hash,
        two.rendition_hash,
        "toy",
        "Other-Model",
        "alice",
    ):
        assert revealing not in html.partition("<main")[2].partition("</main>")[0]
    ask = Ask.objects.get()
    for side, image in (("left", ask.left), ("right", ask.right)):
        answer = client.get(reverse("ratings:compare-picture", args=[ask.public_id, side]))
        assert image
        assert (answer.status_code, answer["Content-Type"]) == (200, "image/webp")
        assert answer["Cache-Control"].startswith("private")


def test_the_models_are_named_after_the_answer_and_not_before(
    alice: User, bob: User, mallory: User, publish: Publish, as_user: As
) -> None:
    publish(alice, prompt="a fox", seed=11)
    publish(alice, prompt="a fox", seed=22, checkpoint=checkpoint_row("other-model", "other"))
    client, ask = as_user(bob), drawn(bob)
    reveal = reverse("ratings:compare-reveal", args=[ask.public_id])
    assert client.get(reveal).status_code == 302
    body = {"token": token_for(ask), "outcome": "left", "dwell_ms": "1500"}
    done = client.post(reverse("ratings:compare-answer", args=[ask.public_id]), body)
    assert (done.status_code, done["Location"]) == (302, reveal)
    html = client.get(reveal).content.decode()
    assert "Toy" in html
    assert "Other-Model" in html
    assert Ask.objects.get().dwell_ms == 1500
    for path in (reveal, reverse("ratings:compare-picture", args=[ask.public_id, "left"])):
        assert as_user(mallory).get(path).status_code == 404


def test_a_prompt_hidden_after_the_draw_is_shown_no_more(
    alice: User, bob: User, publish: Publish, as_user: As, api_as: ApiAs
) -> None:
    siblings(alice, publish, prompt="an unspoken fox")
    client, ask = as_user(bob), drawn(bob)
    page, reveal = reverse("ratings:compare"), reverse("ratings:compare-reveal", args=[ask.public_id])
    assert "unspoken" in client.get(page).content.decode()
    Image.objects.update(is_prompt_hidden=True)
    assert "unspoken" not in client.get(page).content.decode()
    assert api_as(bob).post("/api/comparisons/").json()["prompt"] is None
    services.answer_comparison(token=token_for(ask), rater=bob, outcome="left")
    response = client.get(reveal)
    assert (response.status_code, "unspoken" in response.content.decode()) == (200, False)


def test_with_nothing_to_compare_the_page_says_what_makes_pairs(bob: User, as_user: As) -> None:
    page = as_user(bob).get(reverse("ratings:compare"))
    assert page.status_code == 200
    assert "No pairs left" in page.content.decode()


def test_a_draw_costs_the_same_however_many_pairs_there_are(
    alice: User, bob: User, mallory: User, publish: Publish
) -> None:
    costs = []
    for prompt, rater in (("a fox", bob), ("a bear", mallory)):
        siblings(alice, publish, n=4, prompt=prompt)
        with CaptureQueriesContext(connection) as queries:
            drawn(User.objects.get(pk=rater.pk))
        costs.append(len(queries))
    assert costs[0] == costs[1] <= 19


# The API


def test_a_pair_goes_through_the_api_blind_and_is_revealed_by_its_answer(
    alice: User, bob: User, publish: Publish, api_as: ApiAs
) -> None:
    siblings(alice, publish)
    api = api_as(bob)
    pair = api.post("/api/comparisons/")
    assert pair.status_code == 201
    assert set(pair.json()) == {"id", "token", "question", "prompt", "theme", "left", "right", "expires_at"}
    assert (pair.json()["prompt"], pair.json()["theme"]) == (Generation.objects.get().prompt, None)
    assert api.post(f"/api/comparisons/{pair.json()['id']}/shown/", {"token": pair.json()["token"]}).status_code == 204
    assert Ask.objects.get().shown_at
    answer = f"/api/comparisons/{pair.json()['id']}/answer/"
    assert api.post(answer, {"token": pair.json()["token"], "outcome": "best"}).status_code == 400
    response = api.post(answer, {"token": pair.json()["token"], "outcome": "right"})
    assert response.status_code == 200
    assert response.json()["left"]["checkpoint"] == "toy"
    assert Comparison.objects.get().outcome == "right"
    assert api.post("/api/comparisons/").status_code == 204
    assert api_as(None).post("/api/comparisons/").status_code == 401
