"""What people come for, with the clicks that it takes, and a walk through the site by the keyboard alone.

The clicks stand in docs/tour.md. Pictures are drawn by the workers that a site has.
"""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from accounts.models import User
from feed.models import Challenge, Comment, Follow, Like, Post
from feed.posts.services import publish_image
from generation.models import Checkpoint, Generation
from ratings.models import Comparison, Policy
from tests.browser.test_frame import DESK, PHONE, violations
from tests.conftest import Person
from tests.generation.fixtures import MakeImage
from tests.ratings.conftest import ALWAYS

SOON, DRAWN = 15_000, 90_000  # ms
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(400), pytest.mark.long]

FEED = """
- banner:
  - link "Salon"
  - navigation "Main":
    - link "Feed"
    - link "Challenge"
    - link "Compare"
    - link "My pictures"
  - search:
    - searchbox "Search pictures"
  - button "Switch between light and dark"
  - link /Notifications/
  - link "Create"
- main:
  - heading "Pictures people like now" [level=1]
  - navigation "Sort"
  - link "Skip the pictures"
  - article "a lighthouse at dusk"
"""
CREATE = """
- main:
  - heading "Create" [level=1]
  - textbox "Prompt"
  - button "Create"
  - combobox "Checkpoint"
  - group "Shape"
  - group "How many"
"""


class Hand:
    """A hand at the mouse, or a thumb, that counts."""

    def __init__(self, page: Page) -> None:
        self.page, self._clicks = page, 0

    def click(self, target: Locator) -> None:
        target.click()
        self._clicks += 1

    def spent(self) -> int:
        """Clicks since the last time."""
        clicks, self._clicks = self._clicks, 0
        return clicks


@pytest.fixture
def gallery(transactional_db: None, alice: User, make_image: MakeImage, tiny_checkpoint: Checkpoint) -> list[Post]:
    """Five pictures by alice of one prompt (ten pairs), an older one of yesterday, and a challenge."""
    Checkpoint.objects.exclude(pk=tiny_checkpoint.pk).update(is_enabled=False)
    Policy.objects.filter(is_active=True).update(parameters=ALWAYS | {"p_ask": {"result": 0, "post": 0}, "p_repeat": 0})
    Challenge.objects.update_or_create(day=timezone.localdate(), defaults={"theme": "Something small"})
    yesterday = timezone.now() - timedelta(days=1)
    old = make_image(alice, prompt="a lighthouse at dusk", at=yesterday, checkpoint=tiny_checkpoint)
    first = make_image(alice, prompt="a red fox in the snow", checkpoint=tiny_checkpoint)
    images = [first, *(make_image(alice, generation=first.generation) for _ in range(4))]
    posts = [publish_image(image=image, author=alice) for image in images]
    return [*posts, publish_image(image=old, author=alice, at=yesterday)]


def test_core_jobs_take_few_clicks(
    gallery: list[Post], person: Person, gpu_worker: object, default_worker: object
) -> None:
    page = person(None, viewport=PHONE, has_touch=True, is_mobile=True, reduced_motion="reduce").new_page()
    hand = Hand(page)
    _joins_and_publishes(page, hand)
    _remixes(page, hand)
    _judges_ten_pairs(page, hand)
    _enters_the_challenge(page, hand)
    _finds_what_was_there_yesterday(page, hand, gallery[-1])


def _make(page: Page, hand: Hand, prompt: str) -> None:
    page.get_by_label("Prompt", exact=True).fill(prompt)
    hand.click(page.get_by_role("button", name="Create", exact=True))
    expect(page.locator("figure.made")).to_have_count(4, timeout=SOON)
    expect(page.get_by_role("link", name="Publish: picture 1")).to_be_visible(timeout=DRAWN)


def _joins_and_publishes(page: Page, hand: Hand) -> None:
    page.goto("/")
    hand.click(page.get_by_role("navigation", name="Main").get_by_role("link", name="Create"))
    hand.click(page.get_by_role("link", name=re.compile("^Join: ")))
    page.get_by_label("Username").fill("nora")
    page.get_by_label("Password", exact=True).fill("a long enough phrase")
    hand.click(page.get_by_role("button", name="Create account"))
    page.wait_for_url("**/create/")
    _make(page, hand, "a small boat")
    hand.click(page.get_by_role("link", name="Publish: picture 1"))
    hand.click(page.get_by_role("dialog", name="Publish").get_by_role("button", name="Publish"))
    expect(page.locator(".toast", has_text="Published.")).to_be_visible()
    assert Post.objects.get(author__username="nora").is_published
    assert hand.spent() == 6


def _remixes(page: Page, hand: Hand) -> None:
    page.goto("/?sort=new")
    hand.click(page.get_by_role("button", name="More: a red fox in the snow"))
    hand.click(page.locator("[data-actions]").get_by_role("button", name="Remix"))
    page.wait_for_url("**/create/?remix=*")
    hand.click(page.get_by_role("button", name="Create", exact=True))
    expect(page.locator("figure.made").first).to_be_visible(timeout=SOON)
    assert Generation.objects.filter(author__username="nora").exclude(parent=None).count() == 1
    assert hand.spent() == 3


def _judges_ten_pairs(page: Page, hand: Hand) -> None:
    hand.click(page.get_by_role("navigation", name="Main").get_by_role("link", name="Compare"))
    for number in range(10):
        better = page.get_by_role("button", name="The left picture is better")
        expect(better).to_be_enabled(timeout=SOON)
        shown = page.locator("form[data-compare]").get_attribute("action")
        hand.click(better)
        if number < 9:  # goes on by itself
            expect(page.locator("form[data-compare]")).not_to_have_attribute("action", shown or "", timeout=SOON)
    expect(page.get_by_text("Tiny").first).to_be_visible(timeout=SOON)
    assert Comparison.objects.filter(rater__username="nora").count() == 10
    assert hand.spent() == 11


def _enters_the_challenge(page: Page, hand: Hand) -> None:
    hand.click(page.get_by_role("navigation", name="Main").get_by_role("link", name="Challenge"))
    hand.click(page.get_by_role("link", name="Create an entry"))
    _make(page, hand, "a small cat")
    hand.click(page.get_by_role("link", name="Publish: picture 1"))
    sheet = page.get_by_role("dialog", name="Publish")
    hand.click(sheet.get_by_label("Enter today's challenge"))
    hand.click(sheet.get_by_role("button", name="Publish"))
    expect(page.locator(".toast", has_text="Published.")).to_be_visible()
    assert Challenge.objects.get(theme="Something small").entries.count() == 1
    assert hand.spent() == 6


def _finds_what_was_there_yesterday(page: Page, hand: Hand, post: Post) -> None:
    hand.click(page.get_by_role("link", name="Search"))
    page.get_by_role("combobox", name="Search").fill("lighthouse")
    page.keyboard.press("Enter")
    hand.click(page.get_by_role("article", name="a lighthouse at dusk").get_by_role("link").first)
    page.wait_for_url(f"**/p/{post.public_id}/**")
    assert hand.spent() == 2


# By the keyboard alone

# What has the focus is called, and whether it or what it stands in shows so.
FOCUSED = """() => {
  const here = document.activeElement;
  const words = here.ariaLabel ?? here.labels?.[0]?.innerText ?? here.innerText ?? '';
  const around = [here, here.nextElementSibling, here.parentElement, here.parentElement?.parentElement].filter(Boolean);
  const shows = (style) => style.outlineStyle !== 'none' || style.boxShadow !== 'none';
  return {
    name: words.replace(/\\s+/g, ' ').trim(),
    seen: here === document.body || around.some((element) => shows(getComputedStyle(element))),
    html: here.outerHTML.slice(0, 200),
  };
}"""


def tab_to(page: Page, name: str, most: int = 60) -> None:
    """Presses Tab until what has the focus is called `name`; everything on the way shows that it has it."""
    for _ in range(most):
        page.keyboard.press("Tab")
        here = page.evaluate(FOCUSED)
        assert here["seen"], here["html"]
        if here["name"] == name:
            return
    raise AssertionError(f"{name} is not reached by {most} steps")


def test_the_keyboard_alone_is_enough(
    gallery: list[Post], alice: User, bob: User, person: Person, gpu_worker: object, default_worker: object
) -> None:
    page = person(bob, viewport=DESK, reduced_motion="reduce").new_page()
    page.goto("/")
    expect(page.locator("body")).to_match_aria_snapshot(FEED)
    _likes_follows_and_comments(page, alice)
    _searches(page)
    _creates_publishes_and_takes_back(page)
    _compares(page)
    _changes_the_colours_and_leaves(page)


def _likes_follows_and_comments(page: Page, alice: User) -> None:
    tab_to(page, "Skip to the content", 1)
    page.keyboard.press("Enter")
    tab_to(page, "Skip the pictures")
    page.keyboard.press("j")
    with page.expect_response(re.compile("/like/")):
        page.keyboard.press("l")
    assert Like.objects.filter(member__username="bob").count() == 1
    page.keyboard.press("Enter")
    page.wait_for_url("**/p/**")
    tab_to(page, "Follow alice")
    with page.expect_response(re.compile("/follow/")):
        page.keyboard.press("Enter")
    assert Follow.objects.filter(followed=alice).count() == 1
    tab_to(page, "Comment")
    page.keyboard.type("What a light.")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".comment__text")).to_have_text("What a light.")
    assert Comment.objects.count() == 1


def _searches(page: Page) -> None:
    page.keyboard.press("/")
    page.keyboard.type("lighth")
    expect(page.get_by_role("option", name="lighthouse").first).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search/?q=lighthouse")
    expect(page.get_by_role("article", name="a lighthouse at dusk")).to_be_visible()


def _creates_publishes_and_takes_back(page: Page) -> None:
    tab_to(page, "Create")
    page.keyboard.press("Enter")
    page.wait_for_url("**/create/")
    expect(page.locator("body")).to_match_aria_snapshot(CREATE)
    page.keyboard.type("a small boat")  # the prompt has the focus
    page.keyboard.press("Control+Enter")
    expect(page.locator("figure.made")).to_have_count(4, timeout=SOON)
    expect(page.get_by_role("link", name="Publish: picture 1")).to_be_visible(timeout=DRAWN)
    tab_to(page, "Publish: picture 1, a small boat")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Publish").get_by_label("Title")).to_be_focused()
    page.keyboard.type("Boat")
    page.keyboard.press("Enter")
    expect(page.locator(".toast", has_text="Published.")).to_be_visible()
    tab_to(page, "Undo")
    page.keyboard.press("Enter")
    expect(page.locator(".toast", has_text="Taken down")).to_be_visible()
    assert not Post.objects.get(title="Boat").is_published


def _compares(page: Page) -> None:
    page.goto("/compare/")
    expect(page.locator("form[data-compare] button[value=tie]")).to_be_enabled(timeout=SOON)
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text("Tiny").first).to_be_visible(timeout=SOON)
    assert Comparison.objects.get().outcome == "right"


def _changes_the_colours_and_leaves(page: Page) -> None:
    page.goto("/settings/")
    tab_to(page, "As on my device")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert violations(page) == []
    tab_to(page, "Your account")
    page.keyboard.press("Enter")
    tab_to(page, "Sign out")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Join")).to_be_visible()
