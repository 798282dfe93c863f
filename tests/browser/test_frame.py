"""The frame every page stands in: both themes, a phone and a desk, the keyboard, and no script at all."""

import re
from collections.abc import Iterator
from typing import Any, Protocol

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.template.loader import render_to_string
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests import processes

PHONE, DESK = {"width": 390, "height": 844}, {"width": 1440, "height": 900}
STYLEGUIDE = "/styleguide/"

# Sum of layout shifts that no input caused, as the browser itself counts them.
WATCH_SHIFTS = """
window.shifted = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
}).observe({ type: 'layout-shift', buffered: true });
"""


class Visit(Protocol):
    def __call__(self, path: str = ..., **options: Any) -> Page: ...


UNMOVED = "Transition was aborted"  # Chromium's own note where one of two pages was not ready to be moved between


@pytest.fixture(scope="module")
def site(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The site with DEBUG on, so that it shows the styleguide; nothing here writes to the database."""
    folder = tmp_path_factory.mktemp("styleguide")
    with processes.web(folder, DEBUG="1", VAR_DIR=str(folder)) as address:
        yield address


@pytest.fixture
def visit(browser: Browser, site: str) -> Iterator[Visit]:
    """Opens a page as a visitor; a script error or a breach of the content security policy fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def go(path: str = STYLEGUIDE, **options: Any) -> Page:
        context = browser.new_context(base_url=site, **{"viewport": DESK, **options})
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: None if UNMOVED in str(error) else complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.goto(path)
        return page

    yield go
    for context in contexts:
        context.close()
    assert complaints == []


AT_REST = """() => Promise.allSettled(document.getAnimations()
    .filter(animation => Number.isFinite(animation.effect.getComputedTiming().endTime))
    .map(animation => animation.finished))"""


def axe_rules(page: Page, **options: Any) -> list[dict[str, Any]]:
    """The rules of axe that the page breaks once all that moves or fades in has come to rest; before, a toast that is
    half there has too little contrast."""
    page.evaluate(AT_REST)
    rules: list[dict[str, Any]] = Axe().run(page, **options).response["violations"]
    return rules


def violations(page: Page) -> list[str]:
    """Axe's findings, each with the first four places."""
    return [f"{rule['id']}: {[node['target'] for node in rule['nodes'][:4]]}" for rule in axe_rules(page)]


def overflow(page: Page) -> int:
    width: int = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return width


def posts(page: Page) -> list[str]:
    found: list[str] = page.eval_on_selector_all("[data-post]", "cards => cards.map(card => card.dataset.post)")
    return found


def scroll_until(page: Page, post: str) -> None:
    """Scrolls to the end of what is there, again and again as a person would, until the card has come."""
    for _ in range(100):
        page.evaluate("scrollTo(0, document.body.scrollHeight)")
        if post in posts(page):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"{post} never came; there are {len(posts(page))} cards")


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_component_passes_axe_and_fits(visit: Visit, theme: str, viewport: dict[str, int]) -> None:
    page = visit(color_scheme=theme, viewport=viewport, reduced_motion="reduce")
    assert violations(page) == []
    assert overflow(page) <= 0


@pytest.mark.parametrize("path", ["/accounts/login/", "/accounts/signup/"])
def test_entrance_pages_pass_axe_on_a_phone(visit: Visit, path: str) -> None:
    for theme in ("light", "dark"):
        page = visit(path, color_scheme=theme, viewport=PHONE, reduced_motion="reduce")
        assert violations(page) == []
        assert overflow(page) <= 0


def test_a_chosen_theme_is_in_the_html_of_the_next_page(visit: Visit) -> None:
    page = visit(color_scheme="light")
    page.get_by_role("button", name="Switch between light and dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    answer = page.request.get(STYLEGUIDE)
    assert 'data-theme="dark"' in answer.text()


def test_a_phone_without_scripts_can_go_everywhere(visit: Visit) -> None:
    page = visit(viewport=PHONE, java_script_enabled=False)
    for link in page.get_by_role("navigation", name="Main").get_by_role("link").all():
        box = link.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        assert box["height"] >= 44
    assert page.locator(".js-only:visible").count() == 0
    page.get_by_role("link", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def test_the_first_tab_stop_skips_to_the_content(visit: Visit) -> None:
    page = visit()
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()


def test_more_pages_append_in_order_and_move_nothing(visit: Visit) -> None:
    page = visit("/styleguide/?page=1")
    page.evaluate(WATCH_SHIFTS)
    before = page.locator("[data-post=card3]").bounding_box()
    assert before is not None
    scroll_until(page, "card95")
    page.evaluate("scrollTo(0, 0)")
    assert posts(page) == [f"card{number}" for number in range(96)]
    assert page.locator("[data-post=card3]").bounding_box() == before
    assert page.locator("[data-load-more]").count() == 0
    assert page.evaluate("shifted") < 0.1


def test_going_back_finds_the_same_cards_at_the_same_height(visit: Visit) -> None:
    page = visit()
    scroll_until(page, "card50")
    page.locator("[data-post=card40] .card__author").scroll_into_view_if_needed()
    height = page.evaluate("scrollY")
    cards = posts(page)
    page.goto("/accounts/login/")
    page.go_back()
    expect(page.locator("[data-post=card40]")).to_be_in_viewport()
    assert posts(page)[: len(cards)] == cards
    assert abs(page.evaluate("scrollY") - height) <= 2


def test_without_scripts_the_next_page_is_a_link(visit: Visit) -> None:
    page = visit(java_script_enabled=False)
    page.get_by_role("link", name="Load more").click()
    assert posts(page)[0] == "card24"


def test_keys_move_between_pictures_and_act_on_the_current_one(visit: Visit) -> None:
    page = visit()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator("[data-key-item][aria-current=true]")).to_have_attribute("data-post", "card1")
    page.keyboard.press("c")
    expect(page.get_by_role("status").get_by_text("Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "two pears on a linen cloth, after Zurbarán"
    page.keyboard.press("r")
    assert page.url.endswith("#remix")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()


def press(page: Page, key: str, code: str, **more: bool) -> None:
    """A key as a keyboard of another layout sends it."""
    page.evaluate(
        "(init) => document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {bubbles: true, ...init}))",
        {"key": key, "code": code, **more},
    )


@pytest.mark.parametrize(
    ("down", "up", "copy", "ask"),
    [
        (("о", "KeyJ"), ("л", "KeyK"), ("с", "KeyC"), ("?", "Digit7")),  # Russian
        (("ξ", "KeyJ"), ("κ", "KeyK"), ("ψ", "KeyC"), ("?", "Slash")),  # Greek
        (("ت", "KeyJ"), ("ن", "KeyK"), ("ؤ", "KeyC"), ("؟", "Slash")),  # Arabic
        (("ㅓ", "KeyJ"), ("ㅏ", "KeyK"), ("ㅊ", "KeyC"), ("?", "Slash")),  # Korean
        (("J", "KeyJ"), ("K", "KeyK"), ("C", "KeyC"), ("?", "Slash")),  # Caps Lock
        (("j", "KeyC"), ("k", "KeyV"), ("c", "KeyI"), ("?", "KeyX")),  # Dvorak: what is written counts
    ],
)
def test_keys_work_on_every_layout(
    down: tuple[str, str], up: tuple[str, str], copy: tuple[str, str], ask: tuple[str, str], visit: Visit
) -> None:
    page = visit()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    current = page.locator("[data-key-item][aria-current=true]")
    for key, card in ((down, "card0"), (down, "card1"), (up, "card0")):
        press(page, *key)
        expect(current).to_have_attribute("data-post", card)
    press(page, *copy)
    expect(page.get_by_role("status").get_by_text("Copied")).to_be_visible()
    press(page, *ask, shiftKey=True)
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()


def test_letters_typed_into_a_field_are_only_letters(visit: Visit) -> None:
    page = visit()
    search = page.get_by_role("searchbox", name="Search", exact=True)
    search.press_sequentially("j?c")
    expect(search).to_have_value("j?c")
    assert page.locator("[data-key-item][aria-current], dialog[open]").count() == 0


def test_a_destructive_form_asks_once_and_takes_no_for_an_answer(visit: Visit) -> None:
    page = visit()
    page.get_by_role("button", name="Delete").click()
    asked = page.get_by_role("dialog", name="Are you sure?")
    expect(asked).to_contain_text("It leaves the gallery at once.")
    asked.get_by_role("button", name="Keep it").click()
    expect(asked).to_be_hidden()
    assert "deleted" not in page.url
    page.get_by_role("button", name="Delete").click()
    asked.get_by_role("button", name="Yes").click()
    page.wait_for_url(re.compile("deleted=yes"))


def test_a_veiled_picture_is_blurred_until_asked_for_even_without_scripts(visit: Visit) -> None:
    page = visit(java_script_enabled=False, reduced_motion="reduce")
    picture = page.locator(".veil img").first
    expect(picture).to_have_css("filter", re.compile("blur"))
    page.get_by_role("checkbox", name="Show the picture").check()
    expect(picture).to_have_css("filter", "none")


def test_closed_menus_open_by_keyboard_and_close_on_escape(visit: Visit) -> None:
    page = visit()
    page.locator("summary[aria-label=More]").press("Enter")
    report = page.get_by_role("button", name="Report")
    expect(report).to_be_visible()
    page.keyboard.press("Escape")
    expect(report).to_be_hidden()
    expect(page.locator("summary[aria-label=More]")).to_be_focused()


@pytest.mark.parametrize("name", ["500.html", "503.html"])
def test_pages_of_a_broken_site_need_no_context_and_no_query(name: str) -> None:
    assert "<h1>" in render_to_string(name)
