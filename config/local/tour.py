"""``make tour``: the twelve pictures of docs/tour.md, taken of a demo that runs.

Chromium comes from ``make browser``. The files are small WebP pictures; the same demo gives the same views.
"""

import argparse
import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import PIL.Image
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from config import environment
from config.local.demo_accounts import read_accounts
from config.local.supervisor import ROOT

FOLDER = ROOT / "docs" / "tour"
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
DESK = {"viewport": {"width": 1440, "height": 900}}
WIDEST, QUALITY = 960, 68  # pixels, and of WebP
CHROMIUM = Path("/usr/bin/chromium")
Act = Callable[[Page], None]


def _nothing(page: Page) -> None:
    """The page as it comes."""


def _first_post(page: Page) -> None:
    page.goto(page.locator(".card__picture").first.get_attribute("href") or "/")


def _look(page: Page) -> None:
    _first_post(page)
    page.get_by_role("link", name="View large").click()


def _sheet(page: Page) -> None:
    page.locator("[data-sheet]").first.click()


def _palette(page: Page) -> None:
    page.keyboard.press("/")
    page.keyboard.type("re", delay=60)
    page.locator(".suggestion").first.wait_for()


# name, whose browser, device, theme, address, what is done there
VIEWS: tuple[tuple[str, str, dict[str, Any], str, str, Act], ...] = (
    ("feed", "", DESK, "light", "/", _nothing),
    ("feed-phone", "", PHONE, "dark", "/", _nothing),
    ("post", "member", DESK, "dark", "/?sort=top&window=week", _first_post),
    ("post-phone", "member", PHONE, "light", "/?sort=top&window=week", _first_post),
    ("lightbox", "member", DESK, "dark", "/?sort=top&window=week", _look),
    ("actions-phone", "member", PHONE, "light", "/?sort=new", _sheet),
    ("search", "member", DESK, "light", "/search/?q=frog", _palette),
    ("profile", "member", DESK, "light", "/@creator/", _nothing),
    ("compare-phone", "member", PHONE, "dark", "/compare/", _nothing),
    ("challenge", "", DESK, "light", "/challenge/", _nothing),
    ("create-phone", "creator", PHONE, "light", "/create/", _nothing),
    ("research", "researcher", DESK, "dark", "/research/", _nothing),
)


def take(address: str, accounts: dict[str, str]) -> int:
    """Writes every view; returns how many bytes they are."""
    FOLDER.mkdir(exist_ok=True)
    total = 0
    with sync_playwright() as playwright:
        browser = launch(playwright)
        states = {name: sign_in(browser, address, name, accounts[name]) for name in {view[1] for view in VIEWS} - {""}}
        for name, who, device, theme, path, act in VIEWS:
            options: dict[str, Any] = {"color_scheme": theme, "storage_state": states.get(who), **device}
            context = browser.new_context(base_url=address, reduced_motion="reduce", **options)
            page = context.new_page()
            page.goto(path)
            act(page)
            page.wait_for_load_state("networkidle")
            total += _write(name, page.screenshot())
            context.close()
        browser.close()
    return total


def launch(playwright: Playwright) -> Browser:
    """Debian's Chromium, else the one that Playwright installed."""
    executable = str(CHROMIUM) if CHROMIUM.exists() else None
    return playwright.chromium.launch(args=["--no-sandbox"], executable_path=executable)


def sign_in(browser: Browser, address: str, name: str, password: str) -> Any:
    """The storage state of a browser that signed in."""
    context = browser.new_context(base_url=address)
    page = context.new_page()
    page.goto("/accounts/login/")
    page.locator("input[name=login]").fill(name)
    page.locator("input[name=password]").fill(password)
    page.locator("main form button[type=submit]").click()
    page.wait_for_url(lambda url: "/login" not in url)
    state = context.storage_state()
    context.close()
    return state


def _write(name: str, png: bytes) -> int:
    picture = PIL.Image.open(io.BytesIO(png)).convert("RGB")
    if picture.width > WIDEST:
        picture = picture.resize((WIDEST, picture.height * WIDEST // picture.width), PIL.Image.Resampling.LANCZOS)
    file = FOLDER / f"{name}.webp"
    picture.save(file, "WEBP", quality=QUALITY, method=6)
    return file.stat().st_size


def main() -> int:
    parser = argparse.ArgumentParser(description="Takes the pictures of docs/tour.md of a demo that runs.")
    parser.add_argument("--address", default="http://127.0.0.1:8000", help="of the demo (%(default)s)")
    arguments = parser.parse_args()
    written = take(arguments.address, read_accounts(environment.path("VAR_DIR", ROOT / "var")))
    print(f"{len(VIEWS)} pictures in {FOLDER}, {written // 1000} KB.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
