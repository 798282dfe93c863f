"""The feed's JSON page, against a keyset SELECT of the same rows by bare psycopg and a view that answers from memory.

    python -m benchmarks.feed [--quick] [--posts 100000,1000000,10000000] [--keep FOLDER]

Loads posts by COPY, each size into services of its own that a process of its own asks, and asks in turn for page 1,
page 100 and page 30,000, so that a busy machine slows all of them. Requests go through every middleware, the router
and token authentication, in this process: a server would add the same to both sides. The reader is signed in and has
20 mutes; no page is cached; deep pages are asked for with 20 cursors each, whose snapshots are built (and timed)
first. The constant view has the feed's middleware, authentication and throttles. The bare side orders the narrow table
by its index and joins what a card needs, without any check. Posts, votes and authors are made up; there are no
pictures behind them.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.support.bulk import connect  # noqa: E402
from benchmarks.support.feed_load import load  # noqa: E402
from benchmarks.support.place import place  # noqa: E402

if TYPE_CHECKING:
    from accounts.models import User

PAGE, CURSORS, MUTES = 24, 20, 20
PAGES = (1, 100, 30_000)
BARE = """
    SELECT entry.post_id, entry.hot, post.public_id, post.title, post.published_at, writer.username, image.public_id,
           image.seed, image.width, image.height, image.rendition_hash, image.rendition_widths, image.placeholder,
           image.alt_text, made.prompt, made.negative_prompt, made.scheduler, made.steps, made.guidance, counts.likes
    FROM feed_feedentry entry JOIN feed_post post ON post.id = entry.post_id
    JOIN feed_postcount counts ON counts.post_id = entry.post_id JOIN generation_image image ON image.id = post.image_id
    JOIN generation_generation made ON made.id = image.generation_id
    JOIN accounts_user writer ON writer.id = post.author_id
    WHERE entry.is_visible AND entry.content_level <= 0 AND (entry.hot, entry.post_id) < (%s, %s)
    ORDER BY entry.hot DESC, entry.post_id DESC LIMIT 24
"""
Way = Callable[[], object]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="10,000 posts, 60 requests each: under a minute")
    parser.add_argument("--posts", default="100000", help="one size, or several: 100000,1000000,10000000")
    parser.add_argument("--times", type=int, default=300, help="requests of each kind at each size")
    parser.add_argument("--keep", default="", help="a folder for the services: what was loaded there is used again")
    arguments = parser.parse_args()
    sizes = [10_000] if arguments.quick else [int(size) for size in arguments.posts.split(",")]
    if len(sizes) > 1:
        figures = [apart(size, arguments.times, arguments.keep) for size in sizes]
        compare(figures)
        print(json.dumps(figures))
        return
    unlimited = dict.fromkeys(("API_RATE_MEMBER", "API_RATE_ANONYMOUS"), "10000000/min")
    site = {"DJANGO_SETTINGS_MODULE": "benchmarks.support.settings", "ALLOWED_HOSTS": "*", **unlimited}
    folder = str(Path(arguments.keep, str(sizes[0]))) if arguments.keep else ""
    with place(folder, **site):
        from feed.models import Post

        already = max(Post.objects.count() - 1, 0)
        spent = load(sizes[0], already) if sizes[0] > already else 0.0
        found: dict[str, Any] = {
            "posts": sizes[0],
            "load_s": round(spent, 1),
            **measure(60 if arguments.quick else arguments.times),
        }
        report(found)
        print(json.dumps(found))


def apart(size: int, times: int, keep: str) -> dict[str, Any]:
    """The figures of one size, by a process of its own."""
    command = [sys.executable, "-m", "benchmarks.feed", "--posts", str(size), "--times", str(times), "--keep", keep]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    *lines, figures = done.stdout.splitlines()
    print(*lines, sep="\n", flush=True)
    found: dict[str, Any] = json.loads(figures)
    return found


def measure(times: int) -> dict[str, Any]:
    """p50 and p95 (ms) of every way to a page, buffers, queries, and the ratios."""
    from django.test import Client

    from accounts.models import ApiToken, User

    viewer = User.objects.get(username="author1999")
    mute(viewer)
    _, token = ApiToken.objects.create(user=viewer)  # type: ignore[no-untyped-call]
    member, visitor = Client(headers={"authorization": f"Token {token}"}), Client()
    ways: dict[str, Way] = {}
    found: dict[str, Any] = {}
    for page in PAGES:
        place = places(page)
        if place is None:
            continue
        addresses = [
            f"/api/posts/?cursor={cursor}" if cursor else "/api/posts/" for cursor in cursors(viewer, page, place)
        ]
        began = time.perf_counter()
        for address in addresses:
            answer = member.get(address)
            assert len(answer.json()["results"]) == PAGE, (page, answer.status_code)
        found[f"first_read_page_{page}_ms"] = round(1000 * (time.perf_counter() - began) / len(addresses), 1)
        ways[f"json page {page}"] = turns(member.get, addresses)
        ways[f"bare page {page}"] = turns(lambda at: bare().execute(BARE, at).fetchall(), place)
    keep(member.get("/api/posts/").content)
    ways["constant view"] = lambda: member.get("/constant/")
    ways["visitor's first page"] = lambda: visitor.get("/api/posts/")
    ways["visitor's constant view"] = lambda: visitor.get("/constant/")
    found |= {"ms": timed(ways, times), "buffers": buffers(viewer), "html_queries": html_queries(viewer)}
    return found


def mute(viewer: "User") -> None:
    """Twenty mutes: words, tags, members."""
    from accounts.models import User
    from feed.members import services as members_services

    for n in range(MUTES):
        kind = ("word", "tag", "author")[n % 3]
        value = User.objects.get(username=f"author{n}") if kind == "author" else f"unwanted {n}"
        members_services.mute(member=viewer, kind=kind, value=value)


def places(page: int) -> list[tuple[float, int]] | None:
    """Places right above `CURSORS` pages from the wanted one on; the top for page 1; None where there are too few."""
    if page == 1:
        return [(1e9, 0)]
    query = "SELECT hot, post_id FROM feed_feedentry WHERE is_visible AND content_level <= 0 ORDER BY 1 DESC, 2 DESC"
    first = (page - 1) * PAGE - 1
    found = bare().execute(f"{query} OFFSET %s LIMIT %s", [first, CURSORS * PAGE]).fetchall()
    return found[::PAGE] if len(found) == CURSORS * PAGE else None


def cursors(viewer: "User", page: int, above: list[tuple[float, int]]) -> list[str]:
    """A reader's cursors after those places, as if everything above had been read a moment ago."""
    from feed.lists.cursors import Cursor, encode
    from feed.lists.spec import FeedSpec, ReadRange, SortKey

    if page == 1:
        return [""]
    spec = FeedSpec.parse(viewer, "hot")
    row = bare().execute("SELECT pg_current_snapshot()::text").fetchone()
    assert row is not None
    began = datetime.now(UTC)
    return [encode(Cursor(began=began, read_ranges=(ReadRange(row[0], SortKey(*place)),)), spec) for place in above]


def turns(ask: Callable[[Any], object], over: list[Any]) -> Way:
    following = cycle(over)
    return lambda: ask(next(following))


def bare() -> Any:
    """One connection of our own, kept."""
    if not _kept:
        _kept.append(connect())
    return _kept[0]


_kept: list[Any] = []


def keep(body: bytes) -> None:
    from benchmarks.support import bare_views

    bare_views.ConstantView.body = body


def timed(ways: dict[str, Way], times: int) -> dict[str, dict[str, float]]:
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(times):
        for name, way in ways.items():
            began = time.perf_counter()
            way()
            spent[name].append(1000 * (time.perf_counter() - began))
    return {
        name: {"p50": round(statistics.median(ms), 2), "p95": round(statistics.quantiles(ms, n=20)[-1], 2)}
        for name, ms in spent.items()
    }


def buffers(viewer: "User") -> dict[str, int]:
    """8 KiB pages touched by the query of one page, ours and the bare one."""
    from feed.lists.fast.prepared_query import _compiled
    from feed.models import FeedEntry

    at = datetime.now(UTC)
    ids = list(FeedEntry.objects.order_by("-hot", "-pk").values_list("pk", flat=True)[: PAGE + 8])
    compiled = _compiled(True, 0)
    asked = {"feed": (compiled.sql, compiled.fill(viewer.pk, at, ids)), "bare": (BARE, (1e9, 0))}
    found = {}
    for name, (sql, values) in asked.items():
        cursor = psycopg.RawCursor(bare()) if name == "feed" else bare().cursor()
        row = cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", values).fetchone()
        assert row is not None
        plan = row[0][0]["Plan"]
        found[name] = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    return found


def html_queries(viewer: "User") -> int:
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    client = Client()
    client.force_login(viewer, backend="django.contrib.auth.backends.ModelBackend")
    client.get("/about/ranking/")
    with CaptureQueriesContext(connection) as queries:
        client.get("/")
    return len(queries)


def report(found: dict[str, Any]) -> None:
    print(f"\n{found['posts']:,} posts, loaded in {found['load_s']} s\n{'':<26}{'p50 ms':>10}{'p95 ms':>10}")
    for name, ms in found["ms"].items():
        print(f"{name:<26}{ms['p50']:>10.2f}{ms['p95']:>10.2f}")
    ms = found["ms"]
    for page in PAGES:
        if f"json page {page}" in ms:
            ratio = ms[f"json page {page}"]["p50"] / ms[f"bare page {page}"]["p50"]
            print(
                f"page {page:,}: {ratio:.1f} times the bare SELECT; first read {found[f'first_read_page_{page}_ms']} ms"
            )
    member = ms["constant view"]["p50"] / ms["json page 1"]["p50"]
    visitor = ms["visitor's constant view"]["p50"] / ms["visitor's first page"]["p50"]
    found |= {"throughput_of_constant": round(member, 2), "visitor_of_constant": round(visitor, 2)}
    print(f"throughput of the JSON page: {member:.2f} of the constant view; a visitor's first page: {visitor:.2f}")
    print(f"buffers a page: {found['buffers']}; queries of a signed-in HTML page: {found['html_queries']}")


def compare(figures: list[dict[str, Any]]) -> None:
    """How much slower the largest size is than the smallest."""
    small, large = figures[0]["ms"], figures[-1]["ms"]
    for name in small if len(figures) > 1 else ():
        ratio = large[name]["p95"] / small[name]["p95"]
        print(f"{name}: p95 at {figures[-1]['posts']:,} is {ratio:.2f} of that at {figures[0]['posts']:,}")


if __name__ == "__main__":
    main()
