"""Chromium for the tests: found, or its absence said loudly (and a failure where CI=true)."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def chromium_path(playwright: Playwright) -> str | None:
    """The CHROMIUM variable, Debian's, one on PATH, else the one that Playwright installed."""
    candidates = [os.environ.get("CHROMIUM"), "/usr/bin/chromium", shutil.which("chromium")]
    candidates += [shutil.which("google-chrome"), playwright.chromium.executable_path]
    return next((path for path in candidates if path and Path(path).exists()), None)


def launched() -> Iterator[Browser]:
    try:
        playwright = sync_playwright().start()
    except Exception as error:  # noqa: BLE001 (the driver says nothing of why it does not start)
        _no_browser(f"Playwright does not start ({error}); on Debian: apt-get install libatomic1")
    try:
        path = chromium_path(playwright)
        if path is None:
            _no_browser("Chromium was not found: run `make browser`, or set CHROMIUM")
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()
    finally:
        playwright.stop()


def _no_browser(why: str) -> NoReturn:
    words = f"NO BROWSER, so no browser test ran. {why}."
    if os.environ.get("CI") == "true":
        pytest.fail(words)
    pytest.skip(words)
