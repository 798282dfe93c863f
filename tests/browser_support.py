"""Chromium for the tests: found, or its absence said loudly (and a failure where CI=true)."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

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
    with sync_playwright() as playwright:
        path = chromium_path(playwright)
        if path is None:
            words = "NO BROWSER: Chromium was not found, so no browser test ran. Run `make browser`, or set CHROMIUM."
            if os.environ.get("CI") == "true":
                pytest.fail(words)
            pytest.skip(words)
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()
