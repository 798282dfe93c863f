"""The question card over HTTP and the API: fragments, plain forms, and every refusal with its status."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse

from accounts.models import User
from feed.models import Post
from generation.media.openings import remember_opening
from generation.models import Image
from ratings.asking.tokens import token_for
from ratings.models import Ask, Rating
from tests.conftest import ApiAs, As
from tests.generation.fixtures import MakeImage
from tests.ratings.conftest import MakePolicy, Publish

AskAbout = Callable[[Image, User], Ask]
HTMX = {"HX-Request": "true"}


def path(name: str, ask: Ask) -> str:
    return reverse(f"ratings:{name}", args=[ask.public_id])


@pytest.mark.usefixtures("always")
def test_the_card_is_a_form_of_five_steps_cant_tell_skip_and_close(
    alice: User, make_image: MakeImage, as_user: As
) -> None:
    image = make_image(alice)
    remember_opening(alice, image.pk)
    page = as_user(alice).get(reverse("ratings:ask", args=[image.public_id]), headers=HTMX)
    html = page.content.decode()
    assert page.status_code == 200
    assert "no-store" in page["Cache-Control"]
    assert "<html" not in html
    ask = Ask.objects.get()
    assert (ask.surface, ask.outcome) == ("result", "open")
    assert ask.question.text in html
    assert [html.index(f">{label}<") for _, label in ask.options] == sorted(
        html.index(f">{label}<") for label in ask.question.labels
    )
    for key in ("1", "2", "3", "4", "5", "0", "x"):
        assert f'data-key="{key}"' in html


@pytest.mark.usefixtures("always")
def test_a_question_is_put_in_a_language_that_the_site_and_the_browser_name(
    alice: User, make_image: MakeImage, as_user: As, settings: Any
) -> None:
    settings.LANGUAGES = [("en", "English"), ("de", "German")]
    image = make_image(alice)
    remember_opening(alice, image.pk)
    page = reverse("ratings:ask", args=[image.public_id])
    german, elsewhere = ({**HTMX, "Accept-Language": accepted} for accepted in ("de-AT,en;q=0.5", "nl"))
    html = as_user(alice).get(page, headers=german).content.decode()
    ask = Ask.objects.get()
    assert ask.language == "de"
    worded = f'lang="de">{ask.question.wording("de").text}<'
    assert worded in html
    assert worded in as_user(alice).get(page, headers=elsewhere).content.decode()  # an open ask keeps its words


@pytest.mark.usefixtures("always")
def test_a_question_works_as_a_plain_page_and_leads_back(alice: User, make_image: MakeImage, as_user: As) -> None:
    client, image = as_user(alice), make_image(alice)
    remember_opening(alice, image.pk)
    page = client.get(reverse("ratings:ask", args=[image.public_id]), {"next": "/challenge/"})
    assert "<html" in page.content.decode()
    ask = Ask.objects.get()
    done = client.post(path("ask-answer", ask), {"token": token_for(ask), "value": "4", "next": "/challenge/"})
    assert done.status_code == 200
    assert 'href="/challenge/"' in done.content.decode()
    assert Rating.objects.get().value == 4
    elsewhere = client.post(path("ask-answer", ask), {"token": token_for(ask), "value": "4", "next": "//evil.test/"})
    assert "evil" not in elsewhere.content.decode()


def test_most_of_the_time_the_answer_is_that_nothing_is_asked(
    make_policy: MakePolicy, alice: User, publish: Publish, as_user: As
) -> None:
    make_policy(p_ask={"post": 0.0, "result": 0.0})
    image = publish(alice)
    for user in (alice, None):
        assert as_user(user).get(reverse("ratings:ask", args=[image.public_id]), headers=HTMX).status_code == 204


def test_without_a_script_a_link_leads_to_the_question_or_says_that_there_is_none(
    make_policy: MakePolicy, alice: User, bob: User, publish: Publish, as_user: As
) -> None:
    make_policy(p_ask={"post": 0.0, "result": 0.0})
    image = publish(alice)
    pages = {bob: image.post.get_absolute_url(), alice: reverse("generation:detail", args=[image.generation.public_id])}
    for member, page in pages.items():
        client = as_user(member)
        (link,) = re.findall(r'<noscript><a [^>]*href="([^"]+)"', client.get(page).content.decode())
        shown = client.get(link)
        assert (shown.status_code, "No question this time" in shown.content.decode()) == (200, True)
        assert f'href="{page}"' in shown.content.decode()


@pytest.mark.usefixtures("always")
def test_a_picture_that_is_not_this_members_to_see_is_not_there(
    alice: User, mallory: User, make_image: MakeImage, as_user: As, api_as: ApiAs
) -> None:
    image = make_image(alice)
    assert as_user(mallory).get(reverse("ratings:ask", args=[image.public_id])).status_code == 404
    assert api_as(mallory).post("/api/asks/", {"image": image.public_id}).status_code == 404
    assert not Ask.objects.exists()


@pytest.mark.parametrize(
    ("body", "outcome", "value"),
    [
        ({"value": "2", "dwell_ms": "900"}, "answered", 2),
        ({"value": "cant_tell"}, "answered", None),
        ({"outcome": "skipped"}, "skipped", None),
        ({"outcome": "dismissed"}, "dismissed", None),
    ],
)
def test_each_button_does_what_it_says(
    ask_about: AskAbout, alice: User, bob: User, publish: Publish, as_user: As,
    body: dict[str, str], outcome: str, value: int | None,
) -> None:  # fmt: skip
    ask = ask_about(publish(alice), bob)
    done = as_user(bob).post(path("ask-answer", ask), {"token": token_for(ask), **body}, headers=HTMX)
    assert done.status_code == 200
    assert 'role="status"' in done.content.decode()
    ask.refresh_from_db()
    assert (ask.outcome, ask.dwell_ms) == (outcome, 900 if "dwell_ms" in body else None)
    assert list(Rating.objects.values_list("value", flat=True)) == ([value] if outcome == "answered" else [])


@pytest.mark.parametrize(
    "body", [{}, {"value": "6"}, {"value": "x"}, {"value": "3", "outcome": "skipped"}, {"value": "3", "dwell_ms": "-1"}]
)
def test_a_form_that_makes_no_sense_is_refused_with_a_sentence(
    ask_about: AskAbout, alice: User, bob: User, publish: Publish, as_user: As, body: dict[str, str]
) -> None:
    ask = ask_about(publish(alice), bob)
    answer = as_user(bob).post(path("ask-answer", ask), {"token": token_for(ask), **body}, headers=HTMX)
    assert answer.status_code == 400
    assert "Choose one of the answers." in answer.content.decode()
    assert not Rating.objects.exists()


def test_forged_foreign_and_swapped_answers_are_refused_over_http(
    ask_about: AskAbout, alice: User, bob: User, mallory: User, publish: Publish, as_user: As
) -> None:
    ask, other = ask_about(publish(alice, seed=1), bob), ask_about(publish(alice, seed=2), bob)
    right = {"token": token_for(ask), "value": "4"}
    assert as_user(bob).post(path("ask-answer", ask), {**right, "token": "forged"}).status_code == 400
    assert as_user(mallory).post(path("ask-answer", ask), right).status_code == 404
    assert as_user(bob).post(path("ask-answer", other), right).status_code == 400
    assert as_user(None).post(path("ask-answer", ask), right).status_code == 302  # to sign in
    assert as_user(bob).get(path("ask-answer", ask)).status_code == 405
    assert not Rating.objects.exists()


def test_the_browser_reports_what_was_seen(
    ask_about: AskAbout, alice: User, bob: User, mallory: User, publish: Publish, as_user: As
) -> None:
    seen, unseen = ask_about(publish(alice, seed=1), bob), ask_about(publish(alice, seed=2), bob)
    client = as_user(bob)
    assert client.post(path("ask-report", seen), {"token": token_for(seen), "event": "shown"}).status_code == 204
    gone = {"token": token_for(unseen), "event": "not_rendered"}
    assert as_user(mallory).post(path("ask-report", unseen), gone).status_code == 404
    assert client.post(path("ask-report", unseen), {**gone, "event": "eaten"}).status_code == 400
    assert client.post(path("ask-report", unseen), gone).status_code == 204
    seen.refresh_from_db()
    unseen.refresh_from_db()
    assert seen.shown_at
    assert unseen.outcome == "not_rendered"


def test_an_answer_takes_few_queries(
    ask_about: AskAbout,
    alice: User,
    bob: User,
    publish: Publish,
    as_user: As,
    django_assert_max_num_queries: Any,
) -> None:
    ask = ask_about(publish(alice), bob)
    client = as_user(bob)
    with django_assert_max_num_queries(3):  # session, member, and the one statement
        client.post(path("ask-answer", ask), {"token": token_for(ask), "value": "4"}, headers=HTMX)


@pytest.mark.usefixtures("always")
def test_only_a_picture_that_was_opened_is_asked_about(
    alice: User, bob: User, publish: Publish, as_user: As, api_as: ApiAs
) -> None:
    image = publish(alice)
    page, client = reverse("ratings:ask", args=[image.public_id]), as_user(bob)
    assert client.get(page, headers=HTMX).status_code == 204
    assert api_as(bob).post("/api/asks/", {"image": image.public_id}).status_code == 204
    assert not Ask.objects.exists()
    as_user(alice).get(Post.objects.get().get_absolute_url())  # somebody else's visit is none of bob's
    assert client.get(page, headers=HTMX).status_code == 204
    client.get(Post.objects.get().get_absolute_url())
    assert client.get(page, headers=HTMX).status_code == 200


# The API


@pytest.mark.usefixtures("always")
def test_a_question_is_drawn_shown_and_answered_through_the_api(
    alice: User, bob: User, publish: Publish, api_as: ApiAs
) -> None:
    api, image = api_as(bob), publish(alice)
    assert api.get(f"/api/images/{image.public_id}/").status_code == 200
    ask = api.post("/api/asks/", {"image": image.public_id})
    assert ask.status_code == 201
    body = ask.json()
    assert (body["image"], body["surface"]) == (image.public_id, "post")
    assert sorted(option["value"] for option in body["options"]) == [1, 2, 3, 4, 5]
    root, token = f"/api/asks/{body['id']}", body["token"]
    assert api.post(f"{root}/shown/", {"token": token}).status_code == 204
    wrong = api.post(f"{root}/answer/", {"token": token, "value": 9})
    assert wrong.status_code == 400
    assert "value" in str(wrong.json())
    done = api.post(f"{root}/answer/", {"token": token, "value": 5, "dwell_ms": 1200})
    assert (done.status_code, done.json()["value"]) == (200, 5)
    assert api.post(f"{root}/answer/", {"token": token, "value": 5}).status_code == 200
    again = api.post(f"{root}/answer/", {"token": token, "value": 1})
    assert (again.status_code, again.json()["code"]) == (409, "already_answered")
    assert Rating.objects.count() == 1
    assert api.post("/api/asks/", {"image": image.public_id}).status_code == 204


def test_skipping_forging_and_answering_for_another_through_the_api(
    ask_about: AskAbout, alice: User, bob: User, mallory: User, publish: Publish, api_as: ApiAs
) -> None:
    ask = ask_about(publish(alice), bob)
    root, token = f"/api/asks/{ask.public_id}", token_for(ask)
    assert api_as(mallory).post(f"{root}/answer/", {"token": token, "value": 5}).status_code == 404
    forged = api_as(bob).post(f"{root}/answer/", {"token": "forged", "value": 5})
    assert (forged.status_code, forged.json()["code"]) == (400, "forged_token")
    assert api_as(bob).post(f"{root}/skip/", {"token": token, "is_dismissal": True}).json()["outcome"] == "dismissed"
    assert api_as(bob).get("/api/questions/").json()[0]["slug"] == "lighting"
    assert not Rating.objects.exists()
