"""A made-up year of challenges, a month of them on the site itself, and what the page of a large one costs.

    python -m benchmarks.challenges [--quick] [--days 365] [--judges 200] [--seed 1]
    python -m benchmarks.challenges --month [--quick] [--days 30] [--judges 180] [--seed 1]
    python -m benchmarks.challenges --page [--quick] [--entries 5000] [--times 200]

The year runs through the functions that the site uses (pairs, counting, closing, places), with honest members, a
flooder who would enter 80 pictures a day, a ring of 20 who vote for one entry, and one who clicks at random, fast. Each
figure stands beside that of ranking the same entries by likes. Skill, taste and votes are made up, and a few of the
ring enter in turn; a ring that changes whom it votes for every day is not found so soon.

`--month` lets the same members publish, enter and vote through the services of the site, on its database; a challenge
is closed as soon as the site finds it decided. To keep it short, judges answer two to four pairs on about 13 entries,
and the ring and the clicker eight.

`--page` asks in turn for the pages of a challenge with many entries and of the feed (JSON and HTML, as a member), and
for a view that answers the same bytes from memory behind the same middleware.
"""

import argparse
import json
import os
import secrets
import sys
from collections import Counter
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from statistics import mean, median
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the matrices are small: threads would only wait for each other

from benchmarks.feed import Way, keep, timed  # noqa: E402
from benchmarks.support.place import place  # noqa: E402

if TYPE_CHECKING:
    from benchmarks.support.challenge_world import Day

SITE = {"DJANGO_SETTINGS_MODULE": "benchmarks.support.settings", "ALLOWED_HOSTS": "*"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few small days; 200 entries, 20 times")
    parser.add_argument("--days", type=int, help="365, of a month 30")
    parser.add_argument("--judges", type=int, help="honest members who vote each day: 200, in a month 180")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--month", action="store_true", help="through the services")
    parser.add_argument("--page", action="store_true", help="the page of a day instead")
    parser.add_argument("--entries", type=int, default=5000)
    parser.add_argument("--times", type=int, default=200, help="how often each page is asked for")
    arguments = parser.parse_args()
    if arguments.page or arguments.month:
        unlimited = dict.fromkeys(("API_RATE_MEMBER", "API_RATE_ANONYMOUS"), "10000000/min")
        with place("", **SITE, **unlimited):
            found = on_the_site(arguments)
    else:
        days, judges = (6, 60) if arguments.quick else (arguments.days or 365, arguments.judges or 200)
        found = year(days, judges, arguments.seed)
    for name, value in found.items():
        print(f"{name}: {value}")
    print(json.dumps(found))


def on_the_site(arguments: argparse.Namespace) -> dict[str, Any]:
    is_quick = arguments.quick
    if arguments.page:
        return page(200 if is_quick else arguments.entries, 20 if is_quick else arguments.times)
    days, judges = (2, 16) if is_quick else (arguments.days or 30, arguments.judges or 180)
    return month(days, judges, arguments.seed)


def year(days: int, judges: int, seed: int) -> dict[str, Any]:
    """Pure: it needs Django's models, and neither database nor cache."""
    import django

    nowhere = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none", "REDIS_URL": "redis://127.0.0.1:9/0"}
    secret = dict.fromkeys(("SECRET_KEY", "RELEASE_SECRET"), secrets.token_urlsafe(48))
    os.environ.update({**SITE, **nowhere, **secret})
    django.setup()
    from benchmarks.support.challenge_world import Sizes, World

    return figures(printed(World(seed, Sizes(judges=judges)).run(days)))


def month(days: int, judges: int, seed: int) -> dict[str, Any]:
    from django.utils import timezone

    from benchmarks.support.challenge_month import Month
    from benchmarks.support.challenge_world import Sizes
    from tests.generation.fixtures import finished_image

    sizes = Sizes(judges=judges, entrants=5, pairs=(2, 4), greedy=8)  # it takes hours otherwise
    played = Month(seed, sizes, timezone.now(), finished_image)
    found = figures(printed(played.run(days)))
    return {**found, "entries_of_the_flooder_refused": played.refused}


def printed(days: "Iterable[Day]") -> "list[Day]":
    """The days, each printed when it is done: a run of hours shows how far it is."""
    found = []
    for day in days:
        print(day, flush=True)
        found.append(day)
    return found


def figures(days: "list[Day]") -> dict[str, Any]:
    """Each as ``{"votes": …, "likes": …}``."""
    wins = {
        "votes": Counter(day.winner_by_votes for day in days),
        "likes": Counter(day.winner_by_likes for day in days),
    }
    return {
        "days": len(days),
        "votes_a_day": round(mean(day.votes for day in days)),
        "judges_a_day": round(mean(day.judges for day in days)),
        "closings": dict(Counter(day.closing for day in days)),
        "true_best_among_first_three": {
            "votes": round(mean(day.best_by_votes < 3 for day in days), 3),
            "likes": round(mean(day.best_by_likes < 3 for day in days), 3),
        },
        "places_the_ring_moves_its_entry_median": {
            "votes": median(day.moved_by_votes for day in days),
            "likes": median(day.moved_by_likes for day in days),
        },
        "wins_of_the_flooder": {by: found["flooder"] for by, found in wins.items()},
        "wins_of_an_equal": {by: found["equal"] for by, found in wins.items()},
        "weight_of_a_vote": {
            group: round(mean(found), 3)
            for group in ("honest", "ring", "clicker")
            if (found := [day.weight[group] for day in days if group in day.weight])
        },
    }


def page(entries: int, times: int) -> dict[str, Any]:
    """p50 and p95 (ms) of the pages of a challenge that is open and of the feed's, and their queries."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    ways = ways_to_read(fill(entries))
    found: dict[str, Any] = {"entries": entries, "ms": timed(ways, times)}
    for name, way in ways.items():
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
        "html": lambda: browser.get("/challenge/"),
        "the feed's json": lambda: member.get("/api/posts/"),
        "the feed's html": lambda: browser.get("/"),
        "constant view": lambda: member.get("/constant/"),
    }


if __name__ == "__main__":
    main()
