"""Finding pictures and belonging: filters, suggestions, joining with what one meant to do, profiles, notifications."""

import re
from collections.abc import Iterator

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from accounts.models import User
from feed.models import Like, Post, Profile
from feed.posts.services import like_post, publish_image, tag_post
from feed.ranking.counters import process_recount_requests
from tests.browser.test_frame import DESK, PHONE, overflow, violations
from tests.conftest import MakeMember, Person
from tests.generation.fixtures import MakeImage

DEVICES = pytest.mark.parametrize(("viewport", "theme"), [(PHONE, "dark"), (DESK, "light")], ids=["phone", "desk"])


@pytest.fixture
def foxes(transactional_db: None, alice: User, bob: User, make_image: MakeImage) -> list[Post]:
    """A portrait of a fox by alice, and a square lighthouse by bob."""
    fox = publish_image(image=make_image(alice, prompt="a red fox in the snow", width=64, height=96), author=alice)
    tag_post(post=fox, author=alice, tags=["fox", "night sky"])
    return [fox, publish_image(image=make_image(bob, prompt="a lighthouse at dusk"), author=bob)]


@pytest.fixture
def watched() -> Iterator[list[str]]:
    """Script errors and breaches of the content security policy of the pages that `watch` was called with."""
    complaints: list[str] = []
    yield complaints
    assert complaints == []


def watch(page: Page, complaints: list[str]) -> Page:
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    return page


@DEVICES
def test_filters_stand_in_the_address_and_suggestions_lead_on(
    viewport: dict[str, int], theme: str, person: Person, foxes: list[Post], bob: User, watched: list[str]
) -> None:
    page = watch(person(bob, viewport=viewport, color_scheme=theme, reduced_motion="reduce").new_page(), watched)
    page.goto("/?sort=new")
    page.locator("summary", has_text="Filter").click()
    assert violations(page) == []
    page.get_by_label("Shape").select_option("portrait")
    page.wait_for_url("**/?sort=new&shape=portrait")
    expect(page.get_by_role("article")).to_have_count(1)
    page.get_by_role("link", name="Remove the filter Portrait").click()
    expect(page.get_by_role("article")).to_have_count(2)
    page.keyboard.press("/")
    field = page.get_by_role("combobox", name="Search everything")
    expect(field).to_be_focused()
    field.press_sequentially("nig")
    expect(page.get_by_role("option", name="night sky")).to_be_visible()
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.goto("/search/?q=fox&order=new")
    expect(page.get_by_label("Order")).to_have_value("new")
    author = page.get_by_role("article", name="a red fox in the snow").get_by_role("link", name="alice")
    if viewport is DESK:
        _a_name_that_the_mouse_rests_on_shows_who_it_is(page, author)
    assert overflow(page) <= 0
    page.goto("/search/")
    expect(page.get_by_role("link", name="night sky")).to_be_visible()
    assert violations(page) == []
    page.goto(foxes[0].get_absolute_url())
    page.get_by_role("link", name=foxes[0].image.generation.checkpoint.name).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(foxes[0].image.generation.checkpoint.name)
    expect(page.get_by_role("article")).to_have_count(2)
    assert violations(page) == []


def _a_name_that_the_mouse_rests_on_shows_who_it_is(page: Page, name: Locator) -> None:
    name.hover()
    card = page.get_by_role("complementary", name="alice")
    expect(card.locator(".thumb")).to_have_count(1)
    assert violations(page) == []
    card.get_by_role("button", name="Follow alice").click()
    expect(card.get_by_role("button", name="Following alice")).to_be_visible()
    page.keyboard.press("Escape")
    expect(card).to_be_hidden()


@DEVICES
def test_a_visitor_joins_from_a_like_and_finds_it_again(
    viewport: dict[str, int], theme: str, person: Person, foxes: list[Post], watched: list[str]
) -> None:
    page = watch(person(None, viewport=viewport, color_scheme=theme, reduced_motion="reduce").new_page(), watched)
    page.goto("/")
    expect(page.get_by_text("a gallery of pictures that people make")).to_be_visible()
    expect(page.get_by_role("link", name="Join")).to_be_visible()
    page.get_by_role("article", name="a red fox in the snow").locator("[data-like]").click()
    expect(page.get_by_role("heading", name="Like the picture")).to_be_visible()
    assert violations(page) == []
    page.get_by_role("link", name=re.compile("^Join: ")).click()
    page.get_by_label("Username").fill("newcomer")
    page.get_by_label("Password", exact=True).fill("a-long-enough-phrase")
    page.get_by_role("button", name="Show the password").click()
    expect(page.get_by_label("Password", exact=True)).to_have_attribute("type", "text")
    assert "(optional) (optional)" not in page.locator("main").inner_text()
    assert violations(page) == []
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("heading", name="Welcome, newcomer")).to_be_visible()
    assert violations(page) == []
    page.get_by_role("button", name="Like the picture").click()
    expect(page.locator("[data-like][aria-pressed=true]")).to_be_visible()
    assert Like.objects.filter(post=foxes[0], member__username="newcomer").count() == 1
    page.get_by_role("button", name="Close the first steps").click()
    page.reload()
    expect(page.get_by_role("heading", name="Welcome, newcomer")).to_have_count(0)
    for path in ("/about/", "/terms/", "/privacy/", "/contact/"):
        page.goto(path)
        assert violations(page) == []


@DEVICES
def test_a_profile_is_pinned_and_pictured_and_likes_arrive_as_one_line(
    viewport: dict[str, int],
    theme: str,
    person: Person,
    foxes: list[Post],
    alice: User,
    make_member: MakeMember,
    watched: list[str],
) -> None:
    for name in ("wanda", "xena", "yusuf"):
        like_post(post=foxes[0], member=make_member(name))
    process_recount_requests(at=timezone.now())
    page = watch(person(alice, viewport=viewport, color_scheme=theme, reduced_motion="reduce").new_page(), watched)
    page.goto("/notifications/")
    expect(page.get_by_text("yusuf, xena and wanda liked a picture of yours.")).to_be_visible()
    expect(page.locator("main .thumb")).to_have_count(1)
    assert violations(page) == []
    expect(page.locator(".icon-button__count")).to_have_count(0)  # seen for a moment, read
    page.goto("/profile/")
    page.locator(".avatars .tick").nth(1).click()
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".avatar--large img")).to_be_visible()
    assert Profile.objects.get(user=alice).avatar_id == foxes[0].image_id
    page.goto(foxes[0].get_absolute_url())
    page.locator("summary[aria-label=More]").click()
    page.get_by_role("button", name="Pin to your profile").click()
    page.goto("/@alice/")
    expect(page.get_by_role("heading", name="Pinned")).to_be_visible()
    expect(page.locator(".totals")).to_contain_text("3 likes")
    assert violations(page) == []
    assert overflow(page) <= 0
    page.goto("/settings/")
    page.get_by_label("Dark", exact=True).check()
    page.get_by_role("button", name="Save").nth(1).click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert violations(page) == []
