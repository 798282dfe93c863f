"""How long each Research page takes over millions of answers, against the largest SQL aggregate behind it.

    python -m benchmarks.research [--quick] [--answers 5000000]

The figures of a page are precomputed (task ratings.compute_reading); what that takes, in seconds and in memory, is
printed too. Every page is opened first in a process that has never shown it, and then some times more.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from config.local import services  # noqa: E402

QUICK, FULL = 20_000, 5_000_000
DAYS = 365
TIMES = 9
BOUND = 3  # times the largest aggregate

SINCE = "a.created_at >= now() - interval '365 days'"
# What the largest figure of a page says, straight from the ledger.
MEANS = f"""
SELECT a.surface, a.question_id, g.checkpoint_id, sum(r.value / a.propensity), sum(1 / a.propensity), count(*)
FROM ratings_rating r
JOIN ratings_ask a ON a.id = r.ask_id
JOIN generation_image i ON i.id = a.image_id
JOIN generation_generation g ON g.id = i.generation_id
WHERE {SINCE} AND r.value IS NOT NULL AND r.repeat_no = 0
GROUP BY a.surface, a.question_id, g.checkpoint_id
"""  # noqa: S608
VOTES = f"""
SELECT gl.checkpoint_id, gh.checkpoint_id, c.outcome, count(*)
FROM ratings_comparison c
JOIN ratings_ask a ON a.id = c.ask_id
JOIN generation_image il ON il.id = c.image_low_id JOIN generation_generation gl ON gl.id = il.generation_id
JOIN generation_image ih ON ih.id = c.image_high_id JOIN generation_generation gh ON gh.id = ih.generation_id
WHERE {SINCE} AND c.repeat_no = 0 AND NOT a.is_gold AND gl.prompt = gh.prompt
GROUP BY gl.checkpoint_id, gh.checkpoint_id, c.outcome
"""  # noqa: S608
OUTCOMES = f"SELECT surface, stratum, outcome, count(*) FROM ratings_ask a WHERE {SINCE} GROUP BY 1, 2, 3"  # noqa: S608
PAGES = {
    f"/research/?days={DAYS}": MEANS,
    f"/research/aspects/?days={DAYS}": MEANS,
    f"/research/aspects/?days={DAYS}&by=checkpoint": MEANS,
    f"/research/aspects/?days={DAYS}&by=category&checkpoint=model-1": MEANS,
    f"/research/models/?days={DAYS}": VOTES,
    f"/research/models/model-1/model-2/?days={DAYS}": VOTES,
    f"/research/responses/?days={DAYS}": OUTCOMES,
    f"/research/tables/aspects.csv?days={DAYS}": MEANS,
}


class Opening(NamedTuple):
    """Milliseconds: the first opening, the median of later ones, their slowest query, the aggregate over the ledger."""

    first: float
    again: float
    query: float
    aggregate: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK:,} answers instead of {FULL:,}")
    parser.add_argument("--answers", type=int)
    arguments = parser.parse_args()
    answers = arguments.answers or (QUICK if arguments.quick else FULL)
    with tempfile.TemporaryDirectory(prefix="salon-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        for name in ("DATABASE_URL", "REDIS_URL"):
            os.environ.pop(name, None)
        with services(Path(folder), durable=False) as variables:
            os.environ.update({**variables, "VAR_DIR": folder}, DJANGO_SETTINGS_MODULE="benchmarks.support.settings")
            import django

            django.setup()
            subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], cwd=ROOT, check=True)
            run(answers)


def run(answers: int) -> None:
    from benchmarks.support.research_load import load

    rated, votes, seconds = load(answers)
    print(f"{rated:,} answers and {votes:,} votes written in {seconds:.0f} s", flush=True)
    worked = {days: work_out(days) for days in (7, DAYS)}
    report(rated, worked[DAYS], measure())


def work_out(days: int) -> float:
    """Seconds that the figures of a period take, by the function that the schedule calls."""
    from ratings.research import reports

    began = time.perf_counter()
    snapshot = reports.compute_snapshot(days=days)
    seconds = time.perf_counter() - began
    assert snapshot is not None
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    figures = snapshot.aspects.count()
    print(f"{days} days computed in {seconds:.1f} s: {snapshot.answers:,} answers, {figures:,} figures, {memory:,} MB")
    sys.stdout.flush()
    return seconds


def measure() -> dict[str, Opening]:
    from django.conf import settings
    from django.contrib.auth.models import Group
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from accounts.models import Role, User

    rita = User.objects.create(username="rita")
    rita.groups.add(Group.objects.get_or_create(name=Role.RESEARCHER.value)[0])
    client = Client(HTTP_HOST=settings.ALLOWED_HOSTS[0])
    client.force_login(rita, backend="django.contrib.auth.backends.ModelBackend")
    client.get("/healthz")  # the process is up: views are imported, no page has been shown
    aggregates = {sql: timed(lambda sql=sql: fetch(sql), 3) for sql in set(PAGES.values())}  # type: ignore[misc]
    found = {}
    for path, sql in PAGES.items():

        def opened(path: str = path) -> None:
            response = client.get(path)
            assert response.status_code == 200, f"{path} answered {response.status_code}"

        first, again = timed(opened, 1), timed(opened, TIMES)
        with CaptureQueriesContext(connection) as queries:
            opened()
        slowest = 1000 * max(float(query["time"]) for query in queries)
        found[path] = Opening(first, again, slowest, aggregates[sql])
    return found


def fetch(sql: str) -> list[tuple[Any, ...]]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def timed(call: Callable[[], object], times: int) -> float:
    """The median in milliseconds."""
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - began)
    return 1000 * statistics.median(seconds)


def report(answers: int, worked: float, found: dict[str, Opening]) -> None:
    print(f"{'milliseconds':<62}{'first':>8}{'again':>8}{'query':>8}{'aggregate':>11}{'ratio':>8}")
    for path, opening in found.items():
        ratio = opening.first / opening.aggregate
        numbers = f"{opening.first:>8.0f}{opening.again:>8.0f}{opening.query:>8.0f}{opening.aggregate:>11.0f}"
        print(f"{path:<62}{numbers}{ratio:>8.3f}")
    worst = max(opening.first / opening.aggregate for opening in found.values())
    verdict = "below" if worst < BOUND else "NOT below"
    print(f"the slowest first opening took {worst:.3f} times its largest aggregate, {verdict} {BOUND}")
    figure = {"answers": answers, "worked_out_s": round(worked, 1), "worst_ratio": round(worst, 3)}
    print(json.dumps({"benchmark": "research", **figure}))


if __name__ == "__main__":
    main()
