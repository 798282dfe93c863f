"""A made-up year of challenges, and what the page of a large one costs.

    python -m benchmarks.challenges [--quick] [--days 365] [--judges 200] [--seed 1]
    python -m benchmarks.challenges --page [--quick] [--entries 5000]

The year runs through the functions that the site uses (pairs, counting, closing, places), with honest members, a
flooder who would enter 80 pictures a day, a ring of 20 who vote for one entry, and one who clicks at random, fast. Each
figure stands beside that of ranking the same entries by likes. Skill, taste and votes are made up, and a few of the
ring enter in turn; a ring that changes whom it votes for every day is not found so soon.

`--page` asks in turn for the pages of a challenge with many entries (JSON and HTML, as a member), and for a view that
answers the same bytes from memory behind the same middleware.
"""

import argparse
import json
import os
import sys
from collections import Counter
from datetime import date
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the matrices are small: threads would only wait for each other

from benchmarks.feed import Way, keep, timed  # noqa: E402
from benchmarks.support.place import place  # noqa: E402

if TYPE_CHECKING:
    from benchmarks.support.challenge_world import Day


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="6 small days, or a page of 200 entries asked 20 times")
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--judges", type=int, default=200, help="honest members who vote each day")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--page", action="store_true", help="the page of a day instead")
    parser.add_argument("--entries", type=int, default=5000)
    arguments = parser.parse_args()
    unlimited = dict.fromkeys(("API_RATE_MEMBER", "API_RATE_ANONYMOUS"), "10000000/min")
    site = {"DJANGO_SETTINGS_MODULE": "benchmarks.support.settings", "ALLOWED_HOSTS": "*", **unlimited}
    with place("", **site):
        if arguments.page:
            found = page(200 if arguments.quick else arguments.entries, 20 if arguments.quick else 200)
        else:
            days, judges = (6, 60) if arguments.quick else (arguments.days, arguments.judges)
            found = year(days, judges, arguments.seed)
    for name, value in found.items():
        print(f"{name}: {value}")
    print(json.dumps(found))


def year(days: int, judges: int, seed: int) -> dict[str, Any]:
    from benchmarks.support.challenge_world import Sizes, World

    return figures(World(seed, Sizes(judges=judges)).run(days))


def figures(days: "list[Day]") -> dict[str, Any]:
    """Each as ``{"votes": …, "likes": …}``."""
    wins = {
        "votes": Counter(day.winner_by_votes for day in days),
        "likes": Counter(day.winner_by_likes for day in days),
    }
    return {
        "days": len(days),
        "votes_a_day": round(sum(day.votes for day in days) / len(days)),
        "true_best_among_first_three": {
            "votes": round(sum(day.best_by_votes < 3 for day in days) / len(days), 3),
            "likes": round(sum(day.best_by_likes < 3 for day in days) / len(days), 3),
        },
        "places_the_ring_moves_its_entry_median": {
            "votes": median(day.moved_by_votes for day in days),
            "likes": median(day.moved_by_likes for day in days),
        },
        "wins_of_the_flooder": {by: found["flooder"] for by, found in wins.items()},
        "wins_of_an_equal": {by: found["equal"] for by, found in wins.items()},
    }


def page(entries: int, times: int) -> dict[str, Any]:
    """p50 and p95 (ms) of the pages of a challenge that is open, and their queries."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    ways = ways_to_read(fill(entries))
    found: dict[str, Any] = {"entries": entries, "ms": timed(ways, times)}
    for name, way in list(ways.items())[:3]:
        with CaptureQueriesContext(connection) as queries:
            way()
        found[f"queries of {name}"] = len(queries)
    constant = found["ms"]["constant view"]["p50"]
    found["ratio"] = {name: round(ms["p50"] / constant, 1) for name, ms in found["ms"].items()}
    return found


def fill(entries: int) -> date:
    """Today, whose challenge then has so many entries."""
    from django.utils import timezone

    from benchmarks.support.feed_load import load
    from feed.models import Challenge, ChallengeEntry, Post
    from lib.days import local_day

    load(entries, 0)
    at = timezone.now()
    challenge, _is_new = Challenge.objects.get_or_create(day=local_day(at), defaults={"theme": "Many"})
    posts = Post.objects.values_list("pk", "author")[:entries]
    rows = [ChallengeEntry(challenge=challenge, post_id=post, member_id=by, created_at=at) for post, by in posts]
    ChallengeEntry.objects.bulk_create(rows, batch_size=1000)
    return challenge.day


def ways_to_read(day: date) -> dict[str, Way]:
    """The pages of a day as a member's program and browser ask for them, and the constant view."""
    from django.test import Client

    from accounts.models import ApiToken, User

    viewer = User.objects.get(username="author1999")
    _, token = ApiToken.objects.create(user=viewer)  # type: ignore[no-untyped-call]
    member, browser = Client(headers={"authorization": f"Token {token}"}), Client()
    browser.force_login(viewer, backend="django.contrib.auth.backends.ModelBackend")
    address = f"/api/challenges/{day}/entries/"
    first = member.get(address)
    second = first.json()["next"].removeprefix("http://testserver")
    keep(first.content)
    return {
        "json, first page": lambda: member.get(address),
        "json, second page": lambda: member.get(second),
        "html": lambda: browser.get(f"/challenge/{day}/"),
        "constant view": lambda: member.get("/constant/"),
    }


if __name__ == "__main__":
    main()
