"""The whole site while each of its parts is stopped, frozen, full, slow or restarted, under a light load.

    python -m benchmarks.chaos_site [--quick] [--seconds 12] [--only WORD …]

PostgreSQL behind pgbouncer, Valkey, SeaweedFS, two webs behind nginx, a GPU worker, a default worker and beat: needs
Debian's packages pgbouncer and nginx. Prints, for each fault, what readers and writers were answered, how long after
its end the last bad answer came, and after how long all pictures that had been accepted were there. At the end every
accepted picture and like is looked for. Exits with 1 where one is lost or double, or the site does not recover.
"""

import argparse
import json
import os
import secrets
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import redis

from benchmarks.support.external_site import ExternalSite, external_site, missing_programs
from benchmarks.support.site_load import Load

MEMBERS = ("ada", "bo", "cy", "di")
POSTS = 24
STEPS = 4
QUIET_SECONDS = 6.0  # without a bad answer: then the site has recovered
MOST_SECONDS = 120.0  # for that, and for the pictures
Act = Callable[[ExternalSite], object]


@dataclass(frozen=True)
class Fault:
    part: str
    what: str
    begin: Act
    end: Act = lambda _site: None


@dataclass(frozen=True)
class Result:
    part: str
    what: str
    answers: Counter[int]  # by status, from its beginning until the site had recovered
    recovered_s: float | None  # the last bad answer, after its end; None: it went on for MOST_SECONDS
    drawn_s: float | None  # until every accepted picture was there, after its end


def _stop(name: str) -> Fault:
    return Fault(name, "stopped", lambda site: site.services[name].end(), lambda site: site.services[name].start())


def _freeze(name: str) -> Fault:
    return Fault(name, "frozen", lambda site: site.freeze(name), lambda site: site.thaw(name))


def _restart(name: str, number: int = signal.SIGTERM) -> Fault:
    def begin(site: ExternalSite) -> None:
        site.services[name].end(number)
        site.services[name].start()

    return Fault(name, "restarted", begin)


def _proxied(name: str, what: str, mode: Any) -> Fault:
    return Fault(name, what, lambda site: site.proxies[name].set(mode), lambda site: site.proxies[name].set("pass"))


def _valkey_is_full(site: ExternalSite, *, is_full: bool) -> None:
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        client.config_set("maxmemory-policy", "noeviction" if is_full else "volatile-lru")
        client.config_set("maxmemory", "1mb" if is_full else "0")


class _Connections:
    """Takes every connection that pgbouncer gives, by transactions that do nothing."""

    def __init__(self) -> None:
        self._held: list[psycopg.Connection[Any]] = []

    def take(self, site: ExternalSite) -> None:
        for _number in range(20):
            held = psycopg.connect(site.through, prepare_threshold=None)
            held.execute("SELECT 1")
            self._held.append(held)

    def give_back(self, _site: ExternalSite) -> None:
        while self._held:
            self._held.pop().close()


def _faults() -> list[Fault]:
    connections = _Connections()
    return [
        _stop("postgresql"), _proxied("postgresql", "frozen", "silent"), _proxied("postgresql", "slow", "slow"),
        _restart("postgresql", signal.SIGINT),
        _stop("pgbouncer"), _freeze("pgbouncer"), Fault("pgbouncer", "full", connections.take, connections.give_back),
        _restart("pgbouncer"),
        _stop("valkey"), _proxied("valkey", "frozen", "silent"), _proxied("valkey", "slow", "slow"),
        Fault("valkey", "full", partial(_valkey_is_full, is_full=True), partial(_valkey_is_full, is_full=False)),
        _restart("valkey"),
        _proxied("store", "stopped", "away"), _proxied("store", "frozen", "silent"), _proxied("store", "full", "full"),
        _proxied("store", "slow", "slow"), _restart("store"),
        _stop("web-1"), _freeze("web-1"), _restart("web-1"),
        _stop("gpu-worker"), _freeze("gpu-worker"), _restart("gpu-worker"),
        _stop("worker"), _freeze("worker"), _restart("worker"),
        _stop("nginx"), _restart("nginx", signal.SIGQUIT),
    ]  # fmt: skip


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="three faults")
    parser.add_argument("--seconds", type=float, default=12.0, help="of each fault (12)")
    parser.add_argument("--only", nargs="+", default=[], metavar="WORD", help="only faults of these parts or kinds")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.only, arguments.seconds = ["slow"], 5.0
    return arguments


def _missing(load: Load) -> int:
    """Accepted pictures that are not there yet; all of them while the database is away."""
    from django.db import DatabaseError, connection

    from generation.models import Image

    accepted = list(load.drawn)
    there = Image.objects.filter(generation__idempotency_key__in=accepted, state__in=("ready", "held"))
    try:
        return len(accepted) - there.count()
    except DatabaseError:
        connection.close()
        return len(accepted) + 2


def _wait(site: ExternalSite, is_true: Callable[[], bool]) -> float | None:
    """Seconds until it was true; None after MOST_SECONDS."""
    began = time.monotonic()
    while time.monotonic() - began < MOST_SECONDS:
        site.look_after()
        if is_true():
            return time.monotonic() - began
        time.sleep(0.5)
    return None


def _is_quiet(load: Load, since: float) -> bool:
    return time.monotonic() - max(load.last_bad(since) or 0.0, since) > QUIET_SECONDS


def _strike(site: ExternalSite, load: Load, fault: Fault, seconds: float) -> Result:
    began = time.monotonic()
    fault.begin(site)
    time.sleep(seconds if fault.what != "restarted" else 0.0)
    fault.end(site)
    ended = time.monotonic()
    is_over = _wait(site, lambda: _is_quiet(load, ended)) is not None
    last = load.last_bad(ended)
    recovered = (last - ended if last else 0.0) if is_over else None
    answers = load.between(began, time.monotonic())
    is_drawn = _wait(site, lambda: _missing(load) <= 1)  # one may have been accepted this moment
    drawn = time.monotonic() - ended if is_drawn is not None else None
    return Result(fault.part, fault.what, answers, recovered, drawn)


def _row(result: Result) -> str:
    answers = ", ".join(f"{count} x {status or 'no answer'}" for status, count in sorted(result.answers.items()))
    times = [f"{seconds:.0f} s" if seconds is not None else "never" for seconds in (result.recovered_s, result.drawn_s)]
    return f"| {result.part} | {result.what} | {answers} | {times[0]} | {times[1]} |"


def _broken_promises(load: Load) -> list[str]:
    """What was lost or came twice, in sentences."""
    from django.db.models import Count, F

    from feed.models import Like, PostCount
    from generation.models import Generation, Image

    broken = []
    accepted = Generation.objects.filter(idempotency_key__in=list(load.drawn))
    if lost := len(load.drawn) - accepted.count():
        broken.append(f"{lost} accepted requests have no row")
    images = Image.objects.filter(generation__in=accepted)
    states = dict(images.order_by().values_list("state").annotate(Count("pk")))
    if images.count() != len(load.drawn) or set(states) - {"ready", "held"}:
        broken.append(f"{len(load.drawn)} accepted pictures are {states}")
    if wrong := images.exclude(charged_units=F("cost_units")).count():
        broken.append(f"{wrong} pictures were not charged exactly once")
    liked = Counter((member, post) for member, post in Like.objects.values_list("member__username", "post__public_id"))
    if lost_likes := load.liked - set(liked):
        broken.append(f"{len(lost_likes)} accepted likes are lost")
    shown = dict(PostCount.objects.values_list("post__public_id", "likes"))
    counted = Counter(post for _member, post in liked)
    if wrong_counts := [post for post in load.posts if shown.get(post, 0) != counted[post]]:
        broken.append(f"{len(wrong_counts)} posts show a wrong number of likes")
    return broken


def _on(site: ExternalSite, folder: Path, arguments: argparse.Namespace) -> int:
    load = _prepare(site, folder)
    chosen = [
        each for each in _faults()
        if not arguments.only or {each.part, each.what} & set(arguments.only)
    ]  # fmt: skip
    load.start()
    _wait(site, lambda: len(load.drawn) > 1 and _missing(load) <= 1)
    print(
        "| part | fault | answers | last bad answer after its end | pictures all there after |\n|---|---|---|---|---|"
    )
    results = []
    for fault in chosen:
        results.append(_strike(site, load, fault, arguments.seconds))
        print(_row(results[-1]), flush=True)
    load.stop()
    _wait(site, lambda: _missing(load) == 0)
    _wait(site, lambda: not _broken_promises(load))  # counts are folded every few seconds
    broken = _broken_promises(load)
    broken += [f"{each.part} {each.what}: no recovery" for each in results if each.recovered_s is None]
    statuses = Counter(each.status for each in load.answers)
    print(json.dumps({
        "benchmark": "chaos_site", "faults": len(results), "seconds": arguments.seconds, "answers": statuses,
        "pictures": len(load.drawn), "likes": len(load.liked), "broken_promises": broken,
    }))  # fmt: skip
    return 1 if broken else 0


def _prepare(site: ExternalSite, folder: Path) -> Load:
    """The tables, members, posts and a checkpoint; then the site's processes."""
    os.environ["DATABASE_URL"] = site.direct  # of this process alone
    import django

    django.setup()
    from django.core.management import call_command

    from accounts.models import ApiToken, User
    from feed.posts.services import publish_image
    from generation.models import Checkpoint
    from tests.generation import tiny
    from tests.generation.fixtures import finished_image

    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    source = tiny.build(folder / "checkpoint")
    Checkpoint.objects.create(
        slug="chaos", name="Chaos", source=str(source), sha256="0" * 64, licence="-", sizes=[[tiny.SIZE, tiny.SIZE]],
        default_steps=STEPS,
    )  # fmt: skip
    members = [User.objects.create_user(name, f"{name}@salon.test") for name in MEMBERS]
    tokens = {user.username: ApiToken.objects.create(user=user)[1] for user in members}  # type: ignore[no-untyped-call]
    author = User.objects.create_user("author", "author@salon.test")
    posts = [publish_image(image=finished_image(author), author=author).public_id for _ in range(POSTS)]
    address = site.start_processes()
    load = Load(address, tokens, posts, "")
    shown = json.loads(load._http.request("GET", f"{address}/api/posts/").data)
    load.picture = shown["results"][0]["picture"]["src"].removeprefix(address)
    return load


def main() -> int:
    arguments = _arguments()
    if missing := missing_programs():
        print(f"Not installed: {', '.join(missing)}. On Debian: apt-get install nginx-light pgbouncer", file=sys.stderr)
        return 0 if arguments.quick else 2
    for name in ("DATABASE_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    with tempfile.TemporaryDirectory(prefix="salon-chaos-", ignore_cleanup_errors=True) as fresh:
        folder = Path(fresh)
        folder.chmod(0o711)
        os.environ.update(
            {"VAR_DIR": fresh, "DAILY_COST_UNITS": "0", "MAX_PENDING_IMAGES": "10000", "LEASE_SECONDS": "12",
             "GPU_DEVICE": "cpu", "DJANGO_SETTINGS_MODULE": "config.settings", "BEHIND_PGBOUNCER": "yes",
             "DATABASE_PREPARE_AFTER": "0", "API_RATE_ANONYMOUS": "100000/min", "API_RATE_MEMBER": "100000/min",
             **{name: secrets.token_urlsafe(48) for name in ("SECRET_KEY", "RELEASE_SECRET")}}
        )  # fmt: skip
        with external_site(folder) as site:
            status = _on(site, folder, arguments)
            for log in sorted((folder / "log").glob("*.log")) if status else ():
                print(f"--- {log.name}\n" + log.read_text(errors="replace")[-2000:], file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
