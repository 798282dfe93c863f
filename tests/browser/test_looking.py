"""Looking at pictures: the lightbox, stacks of variations, what a phone can do with a card, and the keyboard.

Starting a site takes longer than looking at it: each test walks far."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from feed.models import Follow, Like, Post
from feed.posts.services import publish_image
from tests.browser.test_frame import DESK, PHONE, overflow, violations
from tests.conftest import Person
from tests.generation.fixtures import MakeImage

CARD = """
- article "a red fox in the snow":
  - link "a red fox in the snow"
  - paragraph: /3 pictures of one prompt/
  - link "alice"
  - 'button "Like: a red fox in the snow (0)"'
"""
POST = """
- main:
  - article:
    - link "View large"
    - navigation "Pictures of the same prompt"
    - complementary:
      - link "alice"
      - heading "a red fox in the snow" [level=1]
      - 'button "Like: a red fox in the snow (0)"'
      - button "Save"
      - button "Copy the prompt"
      - link "Remix"
"""


@pytest.fixture
def stack(transactional_db: None, alice: User, bob: User, make_image: MakeImage) -> list[Post]:
    """Three variations by alice, the newest first, and an older picture by bob."""
    publish_image(image=make_image(bob, prompt="a lighthouse at dusk"), author=bob)
    first = make_image(alice, prompt="a red fox in the snow")
    images = [first, *(make_image(alice, generation=first.generation) for _ in range(2))]
    return [publish_image(image=image, author=alice) for image in images][::-1]


@pytest.fixture(params=[(PHONE, "dark"), (DESK, "light")], ids=["phone", "desk"])
def page(request: pytest.FixtureRequest, person: Person, stack: list[Post], bob: User) -> Iterator[Page]:
    viewport, theme = request.param
    is_phone = viewport is PHONE
    options = {"viewport": viewport, "color_scheme": theme, "reduced_motion": "reduce", "has_touch": is_phone}
    page = person(bob, is_mobile=is_phone, **options).new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    yield page
    assert complaints == []


def test_stacks_the_lightbox_and_its_ways_out(page: Page, stack: list[Post], alice: User) -> None:
    _feed_shows_one_card_for_three_variations(page)
    page.get_by_role("article").first.get_by_role("link").first.click()
    expect(page.get_by_role("navigation", name="Pictures of the same prompt").get_by_role("link")).to_have_count(2)
    expect(page.locator("main")).to_match_aria_snapshot(POST)
    assert violations(page) == []
    shown = page.locator(".stage__image").bounding_box()
    assert shown is not None
    assert shown["width"] <= 4 * stack[0].image.width
    _keys_look_around(page, stack[0])
    _fingers_look_around(page)
    _escape_and_back_lead_to_the_page(page, stack[0])
    page.get_by_role("button", name="Follow alice").click()
    expect(page.get_by_role("button", name="Following alice")).to_be_visible()
    assert Follow.objects.filter(followed=alice).count() == 1
    page.locator("summary[aria-label=More]").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == f"{stack[0].image.public_id}.png"
    page.goto("/search/?q=fox")
    expect(page.get_by_role("article").first.locator(".card__badges")).to_contain_text("3")


def _feed_shows_one_card_for_three_variations(page: Page) -> None:
    page.goto("/?sort=new")
    cards = page.get_by_role("article")
    expect(cards).to_have_count(2)
    expect(cards.first).to_have_accessible_name("a red fox in the snow")
    expect(cards.first.locator(".card__badges")).to_have_text("3 pictures of one prompt")
    assert violations(page) == []
    assert overflow(page) <= 0
    top = cards.first.bounding_box()
    assert top is not None
    assert top["y"] < 260  # the first picture is well above the fold


def _keys_look_around(page: Page, post: Post) -> None:
    page.get_by_role("link", name="View large").click()
    box = page.get_by_role("dialog", name="Picture")
    expect(box.locator("[data-count]")).to_have_text("1 / 3")
    expect(box.get_by_role("button", name="Close")).to_be_focused()
    assert violations(page) == []
    page.keyboard.press("+")
    expect(box.locator("[data-stage]")).to_have_attribute("data-zoomed", "")
    page.keyboard.press("0")
    page.keyboard.press("ArrowRight")
    expect(box.locator("[data-count]")).to_have_text("2 / 3")
    page.keyboard.press("ArrowLeft")
    with page.expect_response(re.compile("/like/")):
        page.keyboard.press("l")
    expect(box.get_by_role("button", name="Like")).to_have_attribute("aria-pressed", "true")
    assert Like.objects.filter(post=post).count() == 1


def _fingers_look_around(page: Page) -> None:
    """A swipe goes on; a double tap zooms."""
    stage, width = page.locator("[data-stage]"), page.evaluate("innerWidth")
    page.mouse.move(width * 0.7, 400)
    page.mouse.down()
    page.mouse.move(width * 0.2, 405, steps=4)
    page.mouse.up()
    expect(page.locator("[data-count]")).to_have_text("2 / 3")
    page.mouse.dblclick(width / 2, 400)
    expect(stage).to_have_attribute("data-zoomed", "")
    page.keyboard.press("ArrowLeft")
    expect(stage).not_to_have_attribute("data-zoomed", "")


def _escape_and_back_lead_to_the_page(page: Page, post: Post) -> None:
    box, stage = page.get_by_role("dialog", name="Picture"), page.get_by_role("link", name="View large")
    page.keyboard.press("Escape")
    expect(box).to_be_hidden()
    expect(stage).to_be_focused()
    stage.press("Enter")
    expect(box).to_be_visible()
    page.go_back()  # leaves the picture, not the page
    expect(box).to_be_hidden()
    expect(page).to_have_url(re.compile(post.public_id))


def test_a_card_is_one_tab_stop_and_every_action_one_press_away(page: Page, stack: list[Post]) -> None:
    page.goto("/?sort=new")
    skip = page.get_by_role("link", name="Skip the pictures")
    skip.focus()
    for name in ("a red fox in the snow", "a lighthouse at dusk"):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('article')?.ariaLabel") == name
    skip.focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "after-pictures"
    card = page.get_by_role("article", name="a red fox in the snow")
    expect(card).to_match_aria_snapshot(CARD)  # what a screen reader meets
    if page.evaluate("matchMedia('(hover: none)').matches"):
        card.get_by_role("button", name="More: a red fox in the snow").click()
    else:
        card.get_by_role("link").first.focus()
        page.keyboard.press("m")
    sheet = page.get_by_role("dialog", name="a red fox in the snow")
    names = [button.inner_text() for button in sheet.locator("[data-actions]").get_by_role("button").all()]
    assert names == ["Like", "Save", "Copy the prompt", "Remix", "View large", "Not interested"]
    assert violations(page) == []
    with page.expect_response(re.compile("/save/")):
        sheet.get_by_role("button", name="Save").click()
    expect(sheet).to_be_hidden()
    expect(card.locator("[data-key=s]")).to_have_attribute("aria-pressed", "true")
