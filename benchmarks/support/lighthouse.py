"""Lighthouse, from npm, on ten pages of a demo that runs, as a phone sees them."""

import json
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from config.local.tour import CHROMIUM, launch, sign_in

VERSION = "12.8.2"
CATEGORIES = ("accessibility", "best-practices", "seo")
LEAST = 95
POST = "post"
PAGES = (  # name, whose browser, address; pages that search engines may not list are not among them
    ("feed", "", "/"),
    ("post", "", POST),
    ("challenge", "", "/challenge/"),
    ("profile", "", "/@creator/"),
    ("models", "", "/models/"),
    ("join", "", "/accounts/signup/"),
    ("about ranking", "", "/about/ranking/"),
    ("create", "creator", "/create/"),
    ("compare", "member", "/compare/"),
    ("research", "researcher", "/research/"),
)
SECONDS = 180  # for one page


def first_post(browser: Browser, address: str) -> str:
    """The address of the feed's first post."""
    page = browser.new_page()
    page.goto(address)
    found = page.locator(".card__picture").first.get_attribute("href")
    page.close()
    return found or "/"


def cookie_of(state: Any) -> str:
    """A Cookie header of a browser that signed in."""
    return "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in state["cookies"])


def ask(address: str, accounts: dict[str, str]) -> dict[str, dict[str, int]]:
    """{page: {category: score of 100}}; prints what costs a page points."""
    scores = {}
    with sync_playwright() as playwright, tempfile.TemporaryDirectory(prefix="salon-lighthouse-") as folder:
        browser = launch(playwright)
        names = sorted({who for _name, who, _path in PAGES} - {""})
        states = {name: sign_in(browser, address, name, accounts[name]) for name in names}
        post = first_post(browser, address)
        browser.close()
        port = _free_port()
        options: dict[str, Any] = {"executable_path": str(CHROMIUM) if CHROMIUM.exists() else None}
        options["args"] = ["--no-sandbox", f"--remote-debugging-port={port}"]
        person = playwright.chromium.launch_persistent_context(f"{folder}/profile", **options)
        for name, who, path in PAGES:
            person.clear_cookies()
            if who:
                person.add_cookies(states[who]["cookies"])
            report = _report(address + (post if path == POST else path), port, Path(folder) / "report.json")
            scores[name] = {each: round(100 * (report["categories"][each]["score"] or 0)) for each in CATEGORIES}
            print(f"{name:14}", "  ".join(f"{each} {score}" for each, score in scores[name].items()), flush=True)
            for line in _complaints(report):
                print(f"    {line}")
        person.close()
    return scores


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
    return number


def _report(url: str, port: int, out: Path) -> dict[str, Any]:
    command = ["npx", "--yes", f"lighthouse@{VERSION}", url, "--quiet", "--output=json", f"--output-path={out}"]
    command += [f"--only-categories={','.join(CATEGORIES)}", f"--port={port}", "--disable-storage-reset"]
    subprocess.run(command, check=True, timeout=SECONDS, stdout=subprocess.DEVNULL)
    report: dict[str, Any] = json.loads(out.read_text())
    if report["finalDisplayedUrl"] != url:
        raise SystemExit(f"{url} led to {report['finalDisplayedUrl']}.")
    return report


def _complaints(report: dict[str, Any]) -> list[str]:
    """Audits that weigh something and did not pass."""
    counted = {
        part["id"] for category in report["categories"].values() for part in category["auditRefs"] if part["weight"]
    }
    audits = (report["audits"][name] for name in sorted(counted))
    failed = [audit for audit in audits if audit["score"] is not None and audit["score"] < 1]
    return [f"{audit['id']}: {audit['title']} {_places(audit)}" for audit in failed]


def _places(audit: dict[str, Any]) -> list[str]:
    items = (audit.get("details") or {}).get("items", [])[:3]
    return [str(item.get("node", {}).get("snippet") or item.get("description") or item)[:200] for item in items]
