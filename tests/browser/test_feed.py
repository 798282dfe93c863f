"""The real feed in a real browser: it goes on by itself, comes back to the same place, and moves nothing."""

from itertools import cycle
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import User
from feed.models import Like, Post
from feed.posts.services import publish_image
from feed.ranking.precomputed import rebuild_due_lists
from tests.browser.test_frame import PHONE, WATCH_SHIFTS, posts, scroll_until
from tests.conftest import MakeMember, Person
from tests.generation.fixtures import MakeImage

PUBLISHED = 52
LARGEST = """() => new Promise((resolve) => new PerformanceObserver((list) => {
  const last = list.getEntries().at(-1);
  resolve({ at: Math.round(last.startTime), isPicture: last.element?.matches('[data-post] img') ?? false });
}).observe({ type: 'largest-contentful-paint', buffered: true }))"""


@pytest.fixture
def published(transactional_db: None, make_member: MakeMember, make_image: MakeImage) -> list[str]:
    """Public ids of pictures by six members, the newest first: more than two pages."""
    makers = cycle([make_member(f"maker{n}") for n in range(6)])
    made = []
    for n in range(PUBLISHED):
        maker = next(makers)
        shape = {"width": 64, "height": 64 if n % 3 else 96}
        made.append(publish_image(image=make_image(maker, prompt=f"picture {n}", **shape), author=maker))
    rebuild_due_lists(at=timezone.now())
    return [post.public_id for post in reversed(made)]


def opened(person: Person, user: User | None, path: str = "/?sort=new", **options: Any) -> Page:
    """A page whose layout shifts are counted from before its first byte."""
    context = person(user, **options)
    context.add_init_script(WATCH_SHIFTS)
    page = context.new_page()
    page.goto(path)
    return page


def test_scrolling_shows_every_picture_once_and_back_returns_to_the_place(
    published: list[str], person: Person, bob: User
) -> None:
    page = opened(person, bob, viewport=PHONE)
    expect(page.locator("[data-post]").first).to_be_visible()
    largest = page.evaluate(LARGEST)
    scroll_until(page, published[-1])
    assert posts(page) == published
    shifted = page.evaluate("shifted")
    print(f"\nlargest contentful paint {largest['at']} ms, layout shift {shifted:.3f}")
    assert largest["isPicture"]
    assert shifted < 0.1
    _back_at(page, published[40])


def _back_at(page: Page, post: str) -> None:
    """Opens the post and comes back: the same cards, as far down as before."""
    card = page.locator(f"[data-post='{post}']")
    card.scroll_into_view_if_needed()
    cards, height = posts(page), page.evaluate("scrollY")
    card.locator("a").first.click()
    page.wait_for_url(f"**/p/{post}/**")
    page.go_back()
    expect(card).to_be_in_viewport()
    assert posts(page) == cards
    assert abs(page.evaluate("scrollY") - height) <= 2


def test_the_keyboard_walks_the_grid_likes_copies_and_opens(published: list[str], person: Person, bob: User) -> None:
    page = opened(person, bob)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    for _ in range(3):
        page.keyboard.press("j")
    page.keyboard.press("k")
    current = page.locator("[data-key-item][aria-current=true]")
    expect(current).to_have_attribute("data-post", published[1])
    with page.expect_response(lambda answer: answer.request.method == "POST" and published[1] in answer.url):
        page.keyboard.press("l")
    assert Like.objects.filter(post__public_id=published[1], member=bob).exists()
    page.keyboard.press("c")
    expect(page.get_by_role("status").get_by_text("Copied")).to_be_visible()
    assert (
        page.evaluate("navigator.clipboard.readText()")
        == Post.objects.get(public_id=published[1]).image.generation.prompt
    )
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/p/{published[1]}/**")


def test_a_phone_without_scripts_reads_the_whole_feed(published: list[str], person: Person) -> None:
    page = opened(person, None, viewport=PHONE, java_script_enabled=False)
    found = posts_without_scripts(page)
    while page.get_by_role("link", name="Load more").count():
        page.get_by_role("link", name="Load more").click()
        found += posts_without_scripts(page)
    assert found == published


def posts_without_scripts(page: Page) -> list[str]:
    page.wait_for_load_state()
    return [card.get_attribute("data-post") or "" for card in page.locator("[data-post]").all()]
