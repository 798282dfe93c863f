"""Answering in a real browser: pairs by keyboard alone, and a question whose keys work only while it is seen."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from accounts.models import User
from feed.challenges.services import enter_challenge
from feed.models import Challenge, Post
from generation.models import Image
from ratings.asking.compare.surfaces import draw_next
from ratings.asking.marks.services import places_of
from ratings.asking.rankings.services import ranks_of
from ratings.asking.services import skip_ask
from ratings.asking.tokens import token_for
from ratings.models import Ask, AspectComparison, Comparison, Policy, Rating, RegionMark
from tests.browser.test_frame import WATCH_SHIFTS, overflow
from tests.browser.test_publishing import look_at
from tests.conftest import Person
from tests.ratings.conftest import ALWAYS, Publish, publish

__all__ = ["publish"]  # a fixture
SOON = 15_000  # ms
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]


@pytest.fixture(autouse=True)
def policy(transactional_db: None) -> Policy:
    """The policy of the running site always asks, and hides no check among the pairs."""
    Policy.objects.filter(is_active=True).update(parameters=ALWAYS | {"p_repeat": 0.0})
    return Policy.objects.get(is_active=True)


@pytest.fixture
def pictures(alice: User, publish: Publish) -> list[Image]:
    """Three of one prompt: three pairs."""
    first = publish(alice, seed=1, prompt="a red fox in the snow")
    return [first, *(publish(alice, seed=seed, generation=first.generation) for seed in (2, 3))]


PAIR = """
- heading "Compare" [level=1]
- button "The left picture is better"
- button "View the left picture large"
- button "The right picture is better"
- button "View the right picture large"
- button /Tie/
- button /Both bad/
- button /Skip/
"""


def evaluate(page: Page, key: str) -> None:
    """Presses a key once the pair may be answered."""
    expect(page.locator("form[data-compare] button[value=tie]")).to_be_enabled(timeout=SOON)
    page.keyboard.press(key)


def test_a_whole_session_of_comparing_by_keyboard(pictures: list[Image], bob: User, person: Person) -> None:
    page = person(bob).new_page()
    page.goto("/compare/")
    for key, outcome in (("ArrowLeft", "left"), ("ArrowUp", "tie")):
        expect(page.get_by_text("a red fox in the snow")).to_be_visible()
        assert "Toy" not in page.locator("main").inner_text()
        expect(page.locator("main")).to_match_aria_snapshot(PAIR)
        wait_until(page, Ask.objects.filter(outcome="open").exclude(shown_at=None).exists)  # or the answer overtakes it
        evaluate(page, key)
        expect(page.get_by_text("Toy").first).to_be_visible(timeout=SOON)  # the models, after the answer
        assert Comparison.objects.latest("pk").outcome == outcome
        page.keyboard.press("n")
    evaluate(page, "s")
    expect(page.get_by_text("No pairs left")).to_be_visible(timeout=SOON)
    assert sorted(Ask.objects.values_list("outcome", flat=True)) == ["answered", "answered", "skipped"]
    for ask in Ask.objects.exclude(outcome="skipped"):
        assert ask.shown_at
        assert ask.closed_at
        assert ask.created_at < ask.shown_at < ask.closed_at  # reported by the browser
        assert ask.dwell_ms


def test_no_side_can_be_chosen_before_both_pictures_are_there(pictures: list[Image], bob: User, person: Person) -> None:
    page, held = person(bob).new_page(), []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/right.webp", hold)
    page.goto("/compare/", wait_until="domcontentloaded")
    expect(page.locator("button[value=left]")).to_be_disabled()
    page.keyboard.press("ArrowLeft")
    ask = Ask.objects.get()
    assert (ask.outcome, ask.shown_at) == ("open", None)
    page.wait_for_function("document.querySelector('.compare__side img').complete")
    expect(page.locator("button[value=left]")).to_be_disabled()
    wait_until(page, lambda: held)  # a browser may ask for one picture after the other
    held[0].continue_()
    expect(page.locator("button[value=left]")).to_be_enabled(timeout=SOON)
    wait_until(page, lambda: Ask.objects.get().shown_at is not None)


def test_a_pair_whose_page_goes_before_it_was_seen_comes_again(
    pictures: list[Image], bob: User, person: Person
) -> None:
    page = person(bob).new_page()
    page.route("**/left.webp", lambda _route: None)
    page.goto("/compare/", wait_until="domcontentloaded")
    expect(page.locator("button[value=left]")).to_be_disabled()
    page.goto("/about/ranking/")
    assert Ask.objects.get().shown_at is None
    page.unroute("**/left.webp")
    page.goto("/compare/")
    wait_until(page, lambda: Ask.objects.get().shown_at is not None)
    assert Ask.objects.get().outcome == "open"


def test_entries_of_a_challenge_are_compared_under_its_theme(
    alice: User, bob: User, mallory: User, publish: Publish, person: Person
) -> None:
    from django.utils import timezone

    theme = Challenge.objects.create(day=timezone.localdate(), theme="Something blue")
    for member, prompt in ((alice, "a blue cat"), (bob, "a blue boat")):
        enter_challenge(challenge=theme, post=publish(member, prompt=prompt).post, member=member)
    page = person(mallory, viewport={"width": 390, "height": 844}, color_scheme="dark").new_page()
    page.goto("/compare/")
    expect(page.get_by_text("Something blue")).to_be_visible()
    assert "a blue cat" not in page.locator("main").inner_text()
    assert overflow(page) <= 0
    evaluate(page, "ArrowDown")
    expect(page.get_by_role("link", name="Next pair")).to_be_visible(timeout=SOON)
    expect(page.get_by_text("Something blue")).to_be_visible()
    assert Comparison.objects.get().outcome == "both_bad"


# By an aspect, and by places


def ask_for(surface: str, strategy: str = "challenge") -> None:
    """Compare asks on this surface; on it alone where no pair is of the strategy."""
    more = {"p_ask": {surface: 0.999}, "p_repeat": 0.0, "strategies": {strategy: 1.0}}
    Policy.objects.filter(is_active=True).update(parameters=ALWAYS | more)


def test_a_pair_is_compared_by_an_aspect_and_the_next_one_comes(
    pictures: list[Image], bob: User, person: Person
) -> None:
    ask_for("aspect", "seed")
    draw_next(rater=bob, rng=random.Random(1))  # every surface has a chance; this one draws the aspect
    page = person(bob, viewport={"width": 390, "height": 844}).new_page()
    page.goto("/compare/")
    question = Ask.objects.get().question
    expect(page.get_by_text(question.text)).to_be_visible()
    expect(page.get_by_role("button", name="The left picture", exact=True)).to_have_accessible_description(
        question.text
    )
    assert overflow(page) <= 0
    evaluate(page, "ArrowLeft")
    expect(page.get_by_text("Toy").first).to_be_visible(timeout=SOON)
    assert AspectComparison.objects.get().outcome == "left"
    page.keyboard.press("n")
    expect(page.locator("form[data-compare] button[value=tie]")).to_be_enabled(timeout=SOON)
    assert not Comparison.objects.exists()


@pytest.mark.parametrize("means", ["mouse", "touch", "keyboard"])
def test_places_are_marked_by_mouse_touch_and_keyboard(
    pictures: list[Image], bob: User, person: Person, means: str
) -> None:
    ask_for("marks")
    page = person(bob, viewport={"width": 390, "height": 844}, has_touch=means == "touch").new_page()
    page.goto("/compare/")
    picture, send = page.locator("[data-picture] img"), page.get_by_role("button", name="Save marks")
    expect(page.get_by_role("button", name="Nothing is wrong")).to_be_enabled(timeout=SOON)
    expect(send).to_be_disabled()
    box = picture.bounding_box()
    assert box
    if means == "keyboard":
        page.keyboard.press("m")
        for key in ("Shift+ArrowLeft", "Shift+ArrowLeft", "ArrowLeft", "ArrowLeft", "ArrowRight", "ArrowLeft"):
            page.keyboard.press(key)
        expect(page.get_by_role("button", name="Mark 1: 26 % from the left, 50 % from the top")).to_be_focused()
        page.keyboard.press("Enter")
        page.keyboard.type("hand")
        page.keyboard.press("Enter")
    else:
        press = picture.tap if means == "touch" else picture.click
        press(position={"x": box["width"] / 4, "y": box["height"] / 2})
        press(position={"x": box["width"] / 2, "y": box["height"] / 2 + 40})
        page.get_by_role("button", name="Remove mark 2").click()
        page.get_by_label("What is wrong there? A word, if you like").fill("hand")
    assert overflow(page) <= 0
    first = Ask.objects.get()
    send.press("Enter") if means == "keyboard" else send.click()
    wait_until(page, lambda: Ask.objects.count() == 2)  # the next picture is there
    (place,) = places_of(first)
    assert (place.x, place.y) == pytest.approx((0.25, 0.5), abs=0.02)
    assert place.word == "hand"
    first.refresh_from_db()
    assert first.shown_at
    assert first.dwell_ms
    page.get_by_role("button", name="Nothing is wrong").click()
    wait_until(page, lambda: RegionMark.objects.filter(number=0).exists())


def test_pictures_are_put_in_order_by_keys(pictures: list[Image], bob: User, person: Person) -> None:
    ask_for("ranking")
    page = person(bob, viewport={"width": 390, "height": 844}).new_page()
    page.goto("/compare/")
    ask = Ask.objects.get()
    save = page.get_by_role("button", name="Save order")
    expect(page.get_by_role("button", name="Picture 1", exact=True)).to_be_enabled(timeout=SOON)
    assert overflow(page) <= 0
    page.keyboard.press("3")
    expect(page.get_by_role("button", name="Picture 3, rank 1")).to_be_visible()
    page.keyboard.press("1")  # and the last one gets what is left
    expect(page.get_by_role("button", name="Picture 2, rank 3")).to_be_visible()
    page.keyboard.press("Backspace")
    expect(save).to_be_disabled()
    page.get_by_role("button", name="Picture 2", exact=True).click()
    expect(save).to_be_focused()
    page.keyboard.press("Enter")
    wait_until(page, lambda: ranks_of(ask) == [3, 2, 1])
    expect(page.get_by_text("No pairs left")).to_be_visible(timeout=SOON)


# One light question


def open_post(page: Page, post: Post) -> None:
    page.goto(post.get_absolute_url())
    expect(page.locator("form[data-question]")).to_be_attached(timeout=SOON)


@pytest.mark.parametrize(
    ("size", "scheme"), [({"width": 390, "height": 844}, "dark"), ({"width": 1440, "height": 900}, "light")]
)
def test_a_question_is_seen_at_once_moves_nothing_and_has_keys_only_while_it_is_seen(
    pictures: list[Image], bob: User, person: Person, size: dict[str, int], scheme: str
) -> None:
    page = person(bob, viewport=size, color_scheme=scheme, reduced_motion="reduce").new_page()
    page.add_init_script(WATCH_SHIFTS)
    open_post(page, pictures[0].post)
    card = page.locator("form[data-question]")
    expect(card).to_be_in_viewport(ratio=1)
    expect(card.locator("[data-key='4']")).to_have_count(1, timeout=SOON)
    look_at(page, "post-asked")
    assert page.evaluate("shifted") < 0.01
    wait_until(page, lambda: Ask.objects.get().shown_at is not None)
    page.evaluate("document.body.style.setProperty('padding-block-end', '3000px'); scrollTo(0, 2500)")
    expect(card.locator("[data-key]")).to_have_count(0, timeout=SOON)
    page.keyboard.press("4")
    assert Ask.objects.get().outcome == "open"
    page.evaluate("scrollTo(0, 0)")
    expect(card.locator("[data-key='4']")).to_have_count(1, timeout=SOON)
    value = int(card.locator("[data-key='4']").get_attribute("value") or 0)
    page.keyboard.press("4")
    expect(page.get_by_text("Thanks!")).to_be_visible(timeout=SOON)
    assert Rating.objects.get().value == value


def test_a_question_that_closed_meanwhile_says_so_in_its_own_words(
    pictures: list[Image], bob: User, person: Person
) -> None:
    page = person(bob).new_page()
    open_post(page, pictures[0].post)
    skip_ask(token=token_for(Ask.objects.get()), rater=bob)
    page.locator("form[data-question] button[name=value]").first.click()
    expect(page.get_by_text("This question has closed.")).to_be_visible(timeout=SOON)
    expect(page.locator("form[data-question]")).to_have_count(0)


def wait_until(page: Page, is_so: Callable[[], Any]) -> None:
    """Lets the page go on until the database says so."""
    for _ in range(SOON // 100):
        if is_so():
            return
        page.wait_for_timeout(100)
    raise AssertionError("it never came to be so")
