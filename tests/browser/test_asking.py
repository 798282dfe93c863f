"""Answering in a real browser: pairs by keyboard alone, and a question whose keys work only while it is seen."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from accounts.models import User
from feed.challenges.services import enter_challenge
from feed.models import Challenge, Post
from generation.models import Image
from ratings.asking.services import skip_ask
from ratings.asking.tokens import token_for
from ratings.models import Ask, Comparison, Policy, Rating
from tests.browser.test_frame import WATCH_SHIFTS
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
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    evaluate(page, "ArrowDown")
    expect(page.get_by_role("link", name="Next pair")).to_be_visible(timeout=SOON)
    expect(page.get_by_text("Something blue")).to_be_visible()
    assert Comparison.objects.get().outcome == "both_bad"


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
    for _ in range(100):
        if is_so():
            return
        page.wait_for_timeout(100)
    raise AssertionError("it never came to be so")
