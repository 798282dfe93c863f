"""What a visit costs, by Chromium's own counters, of a site that runs (`make demo`).

    python -m benchmarks.site [--quick] [--address URL] [--times N] [--lighthouse]

Feed, post, challenge, create and research, on a phone and a desk, each opened `--times` times by a browser without a
cache: largest contentful paint, cumulative layout shift, requests and bytes on the wire (medians; the largest shift).
The shift of every other page, and the HTML of the feed as it travels. `--lighthouse` asks Lighthouse (from npm) about
ten pages instead. The last line is JSON; the status is 1 where a limit is not kept.
"""

import argparse
import json
import statistics
import sys
import urllib.request
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.support import lighthouse  # noqa: E402
from config import environment  # noqa: E402
from config.local.demo_accounts import read_accounts  # noqa: E402
from config.local.supervisor import answers  # noqa: E402
from config.local.tour import DESK, PHONE, launch, sign_in  # noqa: E402

MOST_SHIFT, MOST_HTML = 0.05, 20_000  # of any page; bytes of the feed's HTML on the wire
POST = "post"  # stands for the address of the first post of the feed
MEASURED = (  # name, whose browser, address
    ("feed", "", "/"),
    ("post", "member", POST),
    ("challenge", "", "/challenge/"),
    ("create", "creator", "/create/"),
    ("research", "researcher", "/research/"),
)
OTHERS = {
    "": "/?sort=new /search/ /search/?q=frog /models/ /styles/ /@creator/ /challenge/past/ /challenge/leaders/ "
    "/challenge/ideas/ /polls/ /benchmark/ /about/ /about/ranking/ /about/moderation/ /moderation/log/ "
    "/accounts/login/ /accounts/signup/",
    "creator": "/ /mine/ /compare/ /notifications/ /collections/ /profile/ /profile/published/ /answers/ /settings/ "
    "/settings/consent/ /settings/people/ /settings/notifications/ /settings/tokens/ /settings/webhooks/ "
    "/settings/data/ /accounts/email/ /accounts/sessions/",
    "researcher": "/research/aspects/ /research/models/ /research/responses/ /research/raters/ /research/releases/ "
    "/research/releases/new/",
    "moderator": "/moderation/ /moderation/rules/ /moderation/appeals/",
}
WATCH = """
window.counted = { paint: 0, shift: 0 };
new PerformanceObserver((list) => { for (const entry of list.getEntries()) counted.paint = entry.startTime; })
  .observe({ type: 'largest-contentful-paint', buffered: true });
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) counted.shift += entry.value;
}).observe({ type: 'layout-shift', buffered: true });
"""
SETTLED = "new Promise((done) => requestAnimationFrame(() => setTimeout(done, 300)))"


def visit(browser: Browser, address: str, path: str, **options: Any) -> dict[str, float]:
    """One visit by a browser that has nothing of the site yet."""
    context = browser.new_context(base_url=address, service_workers="block", **options)
    page = context.new_page()
    page.add_init_script(WATCH)
    received: list[float] = []
    wire = context.new_cdp_session(page)
    wire.send("Network.enable")
    wire.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    answer = page.goto(path, wait_until="networkidle")
    if answer is None or answer.status != 200:
        raise SystemExit(f"{path} answered {answer.status if answer else 'nothing'}.")
    page.evaluate(SETTLED)
    counted = page.evaluate("counted")
    context.close()
    return {
        "lcp_ms": counted["paint"],
        "cls": counted["shift"],
        "requests": len([size for size in received if size]),
        "bytes": sum(received),
    }


def measure(browser: Browser, address: str, states: dict[str, Any], post: str, times: int) -> list[dict[str, Any]]:
    """Medians of every page of MEASURED at both widths, and the largest shift."""
    rows = []
    for name, who, path in MEASURED:
        for device, width in ((PHONE, 390), (DESK, 1440)):
            options = {**device, "storage_state": states.get(who)}
            visits = [visit(browser, address, post if path == POST else path, **options) for _ in range(times)]
            row: dict[str, Any] = {key: statistics.median(one[key] for one in visits) for key in visits[0]}
            row |= {"page": name, "width": width, "cls": max(one["cls"] for one in visits)}
            rows.append(row)
            print(
                f"{name:10} {width:5}  LCP {row['lcp_ms']:6.0f} ms  CLS {row['cls']:.4f}  "
                f"{row['requests']:3.0f} requests  {row['bytes'] / 1000:6.0f} KB",
                flush=True,
            )
    return rows


def shifts(browser: Browser, address: str, states: dict[str, Any]) -> dict[str, float]:
    """The layout shift of every other page, the larger one of both widths."""
    found: dict[str, float] = {}
    for who, paths in OTHERS.items():
        for path in paths.split():
            name = f"{who or 'visitor'} {path}"
            for device in (PHONE, DESK):
                shift = visit(browser, address, path, **device, storage_state=states.get(who))["cls"]
                found[name] = max(found.get(name, 0.0), shift)
    worst = max(found, key=found.__getitem__)
    print(f"{len(found)} other pages: the largest shift is {found[worst]:.4f} ({worst})")
    return found


def html_on_the_wire(address: str, path: str = "/", cookie: str = "") -> tuple[int, str]:
    """Bytes of a page's HTML as a browser gets it, and how they are compressed."""
    headers = {
        "Accept-Encoding": "gzip, deflate, br, zstd",
        "Accept": "text/html",
        **({"Cookie": cookie} if cookie else {}),
    }
    with urllib.request.urlopen(urllib.request.Request(address + path, headers=headers)) as answer:
        return len(answer.read()), answer.headers.get("Content-Encoding") or "nothing"


def run(address: str, accounts: dict[str, str], *, times: int, has_others: bool) -> dict[str, Any]:
    with sync_playwright() as playwright:
        browser = launch(playwright)
        names = {who for _name, who, _path in MEASURED} | set(OTHERS) - {""}
        states = {name: sign_in(browser, address, name, accounts[name]) for name in sorted(names - {""})}
        post = lighthouse.first_post(browser, address)
        visit(browser, address, "/")  # the processes are warm
        rows = measure(browser, address, states, post, times)
        others = shifts(browser, address, states) if has_others else {}
        browser.close()
    html = {}
    for who in ("", "creator"):
        cookie = lighthouse.cookie_of(states[who]) if who else ""
        size, encoding = html_on_the_wire(address, cookie=cookie)
        html[who or "visitor"] = size
        print(f"HTML of the feed, {who or 'visitor'}: {size:,} bytes ({encoding})")
    moved = max([*(row["cls"] for row in rows), *others.values()])
    return {"pages": rows, "largest_shift": moved, "feed_html": html, "other_pages": len(others)}


def main() -> int:
    parser = argparse.ArgumentParser(description="What a visit costs, by Chromium's own counters.")
    parser.add_argument("--address", default="http://127.0.0.1:8000", help="of a demo that runs (%(default)s)")
    parser.add_argument("--times", type=int, default=5, help="visits of each page and width (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="one visit each, five pages alone")
    parser.add_argument("--lighthouse", action="store_true", help="ask Lighthouse about ten pages instead (needs npm)")
    arguments = parser.parse_args()
    if not answers(f"{arguments.address}/healthz"):
        print(f"No site answers at {arguments.address}: start one with `make demo`.")
        return 0 if arguments.quick else 1
    accounts = read_accounts(environment.path("VAR_DIR", ROOT / "var"))
    if arguments.lighthouse:
        scores = lighthouse.ask(arguments.address, accounts)
        print(json.dumps({"lighthouse": scores}))
        return int(min(value for page in scores.values() for value in page.values()) < lighthouse.LEAST)
    times = 1 if arguments.quick else arguments.times
    found = run(arguments.address, accounts, times=times, has_others=not arguments.quick)
    print(json.dumps(found))
    return int(found["largest_shift"] >= MOST_SHIFT or max(found["feed_html"].values()) > MOST_HTML)


if __name__ == "__main__":
    sys.exit(main())
