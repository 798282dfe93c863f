"""Answers a second over HTTP, against a Django view on the same server that does the same writes by bare psycopg.

    python -m benchmarks.ratings [--quick] [--processes 1]

Both views take turns on the same web processes, asked by the same clients, while the feed's JSON page is read
50 times a second beside them, so that a busy machine slows both.
"""

import argparse
import contextlib
import http.client
import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from config.local import services  # noqa: E402
from config.local.processes import free_port, guard, until_ready  # noqa: E402

if TYPE_CHECKING:
    from accounts.models import User
    from generation.models import Generation, Image

CLIENTS = 8
MEMBERS = 50
A_DAY = 86_400
POSTS = 60
READS, READERS = 50, 32  # of the feed's JSON page: a second, by so many visitors
TURN = 2.0  # s: short turns, so that what else the machine does falls on both views alike


class Reads(NamedTuple):
    """When each page of the feed came, and the statuses of those that did not."""

    came: list[float]
    refused: list[int]


class Answer(NamedTuple):
    public_id: str
    token: str
    session: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small run of under a minute")
    parser.add_argument("--no-feed", action="store_true", help="nobody reads the feed meanwhile")
    parser.add_argument("--processes", type=int, default=2, help="of the web; two for two cores")
    arguments = parser.parse_args()
    rounds, images = (5, 400) if arguments.quick else (40, 1000)
    with tempfile.TemporaryDirectory(prefix="salon-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        for name in ("DATABASE_URL", "REDIS_URL"):
            os.environ.pop(name, None)
        with services(Path(folder)) as variables:
            os.environ.update(
                {**variables, "VAR_DIR": folder, "DATABASE_POOL_SIZE": "16"},
                DJANGO_SETTINGS_MODULE="benchmarks.support.settings",
            )
            import django

            django.setup()
            subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], cwd=ROOT, check=True)
            answers = prepare(images)
            readers = 0 if arguments.no_feed else READS
            with server(Path(folder), arguments.processes) as address, feed_readers(address, readers) as reads:
                began = time.perf_counter()
                figures = measure(address, answers, rounds)
                report(figures, reads, time.perf_counter() - began, arguments.processes)


@contextlib.contextmanager
def server(folder: Path, processes: int) -> Iterator[str]:
    """The web, in as many processes; yields its host and port."""
    port = free_port(19_000 + os.getpid() % 1000)
    command = [sys.executable, "-m", "uvicorn", "config.asgi:application", "--port", str(port), "--log-level", "error"]
    if processes > 1:  # a process that is still importing on a busy machine is not dead
        command += ["--workers", str(processes), "--timeout-worker-healthcheck", "120"]
    environ = {**os.environ, "SITE_URL": f"http://127.0.0.1:{port}"}
    service = guard("The web server", command, log=folder / "web.log", environ=environ, cwd=ROOT)
    address = f"127.0.0.1:{port}"
    try:
        until_ready(service, lambda: is_up(address), seconds=180)
        yield address
    finally:
        service.stop()


def is_up(address: str) -> bool:
    with contextlib.closing(http.client.HTTPConnection(address, timeout=20)) as connection:
        try:
            connection.request("GET", "/bare/none/")
            connection.getresponse().read()
        except OSError:
            return False
    return True


@contextlib.contextmanager
def feed_readers(address: str, a_second: int) -> Iterator[Reads]:
    """Reads the feed's JSON page so often a second for as long as it is open; yields what came of it."""
    reads = Reads([], [])
    is_over = threading.Event()

    def read(visitor: str) -> None:
        here = http.client.HTTPConnection(address, timeout=30, source_address=(visitor, 0))
        with contextlib.closing(here) as connection:
            due = time.perf_counter()
            while not is_over.wait(max(0.0, due - time.perf_counter())):
                connection.request("GET", "/api/posts/?sort=new")
                response = connection.getresponse()
                text = response.read()
                if response.status == 200 and json.loads(text)["results"]:
                    reads.came.append(time.perf_counter())
                else:
                    reads.refused.append(response.status)
                due = max(due + READERS / a_second, time.perf_counter() - 1)

    visitors = [f"127.0.1.{n + 1}" for n in range(READERS if a_second else 0)]  # each below an address's rate limit
    readers = [threading.Thread(target=read, args=[visitor]) for visitor in visitors]
    for reader in readers:
        reader.start()
    try:
        yield reads
    finally:
        is_over.set()
        for reader in readers:
            reader.join()


def measure(address: str, answers: Iterator[Answer], rounds: int) -> dict[str, list[float]]:
    """Answers a second of each view, round by round; which view goes first alternates."""
    figures: dict[str, list[float]] = {"salon": [], "bare": []}
    for view in figures:
        run(address, view, answers, TURN)  # warms connections and caches
    for n in range(rounds):
        for view in sorted(figures, reverse=n % 2 == 0):
            figures[view].append(run(address, view, answers, TURN))
    return figures


def run(address: str, view: str, answers: Iterator[Answer], seconds: float) -> float:
    until = time.perf_counter() + seconds
    with ThreadPoolExecutor(CLIENTS) as clients:
        done = sum(clients.map(lambda _: client(address, view, answers, until), range(CLIENTS)))
    return done / seconds


def client(address: str, view: str, answers: Iterator[Answer], until: float) -> int:
    """Answers asks over one kept connection until the time is up; returns how many."""
    done, csrf = 0, secrets.token_hex(16)
    with contextlib.closing(http.client.HTTPConnection(address, timeout=30)) as connection:
        while time.perf_counter() < until:
            answer = next(answers, None)
            if answer is None:
                raise SystemExit("There were too few open asks for so fast a machine; raise the number of pictures.")
            path = f"/bare/{answer.public_id}/" if view == "bare" else f"/asks/{answer.public_id}/answer/"
            headers = {
                "Content-Type": "application/x-www-form-urlencoded",
                "Cookie": f"sessionid={answer.session}; csrftoken={csrf}",
                "X-CSRFToken": csrf,
                "HX-Request": "true",
            }
            body = urlencode({"token": answer.token, "value": 1 + done % 5, "dwell_ms": 1500})
            connection.request("POST", path, body, headers)
            response = connection.getresponse()
            text = response.read()
            if response.status != 200:
                raise SystemExit(f"{path} answered {response.status}: {text[:300]!r}")
            done += 1
    return done


def prepare(pictures: int) -> Iterator[Answer]:
    """Open asks, one a member and picture, ready to be answered; drawn by nobody, for drawing is not measured."""
    from ratings.asking.tokens import token_for
    from ratings.models import Ask, Policy, Question

    members = make_members()
    images = make_images(members[0][0], pictures)
    policy, question = Policy.objects.current(), Question.objects.active().on_scale()[0]
    from django.utils import timezone

    now = timezone.now()
    asks = [
        Ask(
            policy=policy, surface="post", stratum="regular/first", rater=member, image=image, question=question,
            p_ask=0.05, p_question=0.2, rater_is_author=False, created_at=now, expires_at=now + timedelta(hours=2),
        )
        for image in images for member, _ in members[1:]
    ]  # fmt: skip
    Ask.objects.bulk_create(asks, batch_size=1000)
    sessions = {member.pk: session for member, session in members}
    return iter([Answer(ask.public_id, token_for(ask), sessions[ask.rater_id]) for ask in asks])


def make_members() -> list[tuple["User", str]]:
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.cached_db import SessionStore

    from accounts.models import User

    members = []
    for n in range(MEMBERS):
        member = User.objects.create(username=f"rater{n}")
        session = SessionStore()
        session[SESSION_KEY] = str(member.pk)
        session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
        session[HASH_SESSION_KEY] = member.get_session_auth_hash()
        session.create()
        members.append((member, str(session.session_key)))
    return members


def make_images(author: "User", pictures: int) -> list["Image"]:
    """Public pictures without files: an answer never opens one."""
    from django.utils import timezone

    from generation.models import Checkpoint, Generation, Image, ImageState

    now = timezone.now()
    checkpoint = Checkpoint.objects.create(slug="toy", name="Toy", source="toy", licence="MIT", sizes=[[64, 64]])
    generation = Generation.objects.create(
        author=author, prompt="a fox", checkpoint=checkpoint, scheduler="DDIM", steps=1, guidance=1, width=64,
        height=64, idempotency_key="bench", submitted_at=now,
    )  # fmt: skip
    rows = [
        Image(
            generation=generation, author=author, position=n, seed=n, batch_key="toy", cost_units=1, pool="default",
            not_before=now, queued_at=now, width=64, height=64, state=ImageState.READY, is_public=True,
        )
        for n in range(pictures)
    ]  # fmt: skip
    made = Image.objects.bulk_create(rows)
    publish_picture(author, generation, now)
    return made


def publish_picture(author: "User", generation: "Generation", now: datetime) -> None:
    """Posts for the feed's page, with pictures of their own: those that are asked about stay as they are."""
    from feed.posts.services import publish_image
    from feed.rates import unlimited
    from generation.models import Image, ImageState

    for n in range(POSTS):
        image = Image.objects.create(
            generation=generation, author=author, position=10_000 + n, seed=n, batch_key="toy", cost_units=1,
            pool="default", not_before=now, queued_at=now, width=64, height=64, state=ImageState.READY,
            prefix=f"images/{n}", rendition_hash="0123456789abcdef", rendition_widths=[64],
        )  # fmt: skip
        with unlimited():
            publish_image(image=image, author=author, at=now - timedelta(minutes=n))


def report(figures: dict[str, list[float]], reads: Reads, seconds: float, processes: int) -> None:
    salon, bare = (statistics.mean(figures[view]) for view in ("salon", "bare"))
    low, high = interval(figures["salon"], figures["bare"])
    print(f"web processes: {processes}")
    print(f"{'view':<28}{'answers/s':>12}{'a day':>14}")
    for name, rate in (("ratings:ask-answer", salon), ("the same writes, bare", bare)):
        print(f"{name:<28}{rate:>12,.0f}{rate * A_DAY:>14,.0f}")
    feed = len(reads.came) / seconds
    print(f"the feed's JSON page was read {feed:.1f} times a second meanwhile; refused: {dict(Counter(reads.refused))}")
    print(f"ratio of all answers {salon / bare:.2f} (95 % over {len(figures['bare'])} rounds: {low:.2f} to {high:.2f})")
    figure: dict[str, Any] = {"answers_per_s": round(salon, 1), "bare_per_s": round(bare, 1)}
    figure |= {"answers_a_day": round(salon * A_DAY)}
    figure |= {"feed_reads_per_s": round(feed, 1), "processes": processes, "ratio_95": [round(low, 3), round(high, 3)]}
    print(json.dumps({"benchmark": "ratings", **figure, "ratio": round(salon / bare, 3)}))


def interval(ours: list[float], theirs: list[float]) -> tuple[float, float]:
    """The 95 % interval of the ratio of means by resampling rounds, both views of a round together."""
    from scipy.stats import bootstrap

    found = bootstrap(
        (ours, theirs), lambda one, other, axis: one.mean(axis=axis) / other.mean(axis=axis), paired=True,
        method="percentile", rng=1,
    ).confidence_interval  # fmt: skip
    return float(found.low), float(found.high)


if __name__ == "__main__":
    main()
