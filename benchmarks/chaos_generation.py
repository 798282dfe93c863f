"""Pictures through every fault that we know: each arrives exactly once, none is stuck, charged twice or failed.

    python -m benchmarks.chaos_generation [--images 200] [--away 240] [--only NAME …]

Real PostgreSQL, Valkey, SeaweedFS, two workers that draw, one that checks, and beat; each fault strikes while pictures
are drawn. Prints what happened, and one JSON object as its last line; exits with 1 where a promise was broken.
"""

import argparse
import hashlib
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
from pathlib import Path
from typing import Any

import redis

from benchmarks.support.chaos import Chaos, chaos
from benchmarks.support.place import ROOT

MEMBERS = 6
STEPS = 10
WAIT_SECONDS = 3600.0


@dataclass(frozen=True)
class Fault:
    """`begin` and `end` surround `seconds` in which pictures are drawn, or would be."""

    name: str
    seconds: float
    begin: Callable[[Chaos], object]
    end: Callable[[Chaos], object] = lambda _site: None


def _drawing(site: Chaos) -> list[str]:
    """The workers that hold leases, or else the first."""
    from generation.models import Image

    names = Image.objects.filter(state="leased").order_by().values_list("worker", flat=True).distinct()
    return sorted({name.partition("@")[0] for name in names} & site.workers.keys()) or ["gpu-1"]


def _kill_pool(site: Chaos) -> None:
    """The processes that draw; their parents start others."""
    for name in _drawing(site):
        for child in site.workers[name].process.children():
            child.kill()


def _kill_workers(site: Chaos) -> None:
    for name in (*_drawing(site), "checks"):
        site.workers[name].end()


def _kill_broker(site: Chaos) -> None:
    """Its messages are in memory alone: all are lost."""
    site.broker.end()


def _restart_database(site: Chaos) -> None:
    site.database.end(signal.SIGINT)
    site.database.start()


def _double_messages(site: Chaos) -> None:
    """Every message that waits, and a check for every picture, once more."""
    from generation.models import Image
    from generation.queue.tasks import drain, screen

    for _copy in range(5):
        drain.apply_async(kwargs={"pool": "default"}, queue="gpu.default")
    for image_id in Image.objects.values_list("pk", flat=True):
        screen.delay(image_id)
        screen.delay(image_id)


def _drop_messages(_site: Chaos) -> None:
    from generation.queue.wakeup import clear_wakeup

    clear_wakeup("default")
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        client.delete("gpu.default", "moderation", "default")


def _store(mode: Any) -> Callable[[Chaos], None]:
    return lambda site: site.store.set(mode)


def _faults(away: float) -> list[Fault]:
    given = _store("pass")
    return [
        Fault("the process that draws is killed", 5, _kill_pool),
        Fault("workers are killed", 10, _kill_workers),
        Fault("the broker is killed", 15, _kill_broker, lambda site: site.broker.start()),
        Fault("the broker is frozen", 20, lambda site: site.broker.send(signal.SIGSTOP),
              lambda site: site.broker.send(signal.SIGCONT)),
        Fault("the store is full", 25, _store("full"), given),
        Fault("the store is away", away, _store("away"), given),
        Fault("the store does not answer", 25, _store("silent"), given),
        Fault("the database restarts", 5, _restart_database),
        Fault("messages are doubled", 5, _double_messages),
        Fault("messages are dropped", 10, _drop_messages),
        Fault("the database restarts again", 2, _restart_database),
        Fault("workers are killed again", 5, _kill_workers),
    ]  # fmt: skip


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--away", type=float, default=240.0, help="seconds that the store is away (240)")
    parser.add_argument("--only", nargs="+", default=[], metavar="WORD", help="only faults with one of these words")
    return parser.parse_args()


class Requests:
    """Members who ask for pictures, a wave before each fault."""

    def __init__(self) -> None:
        from accounts.models import User

        self._members = [User.objects.create_user(f"author-{number}") for number in range(MEMBERS)]
        self._asked = 0

    def submit(self, images: int) -> None:
        from generation import services

        while images:
            count, number = min(4, images), self._asked
            services.submit_generation(
                author=self._members[number % MEMBERS], prompt=f"a cat number {number}", checkpoint="chaos",
                count=count, steps=STEPS, seed=number * 8, idempotency_key=str(number),
            )  # fmt: skip
            images, self._asked = images - count, number + 1


def _states() -> Counter[str]:
    """Images by state; empty while the database is away."""
    from django.db import DatabaseError, connection

    from generation.models import Image

    try:
        return Counter(Image.objects.values_list("state", flat=True))
    except DatabaseError:
        connection.close()
        return Counter()


def _wait(site: Chaos, is_over: Callable[[Counter[str]], bool], seconds: float) -> bool:
    """Waits until something is true of the states, and starts workers again that ended; False after `seconds`."""
    ends = time.monotonic() + seconds
    while not is_over(_states()):
        if time.monotonic() > ends:
            return False
        for name in site.look_after():
            print(f"    {name} starts again", flush=True)
        time.sleep(0.5)
    return True


def _strike(site: Chaos, fault: Fault) -> None:
    _wait(site, lambda states: states["leased"] > 0, 120)
    print(f"{fault.name}: {dict(_states())}", flush=True)
    fault.begin(site)
    _wait(site, lambda _states: False, fault.seconds)
    fault.end(site)


def _broken_promises(images: int) -> list[str]:
    """What went wrong, in sentences; empty where nothing did."""
    from django.db.models import Count, F

    from accounts.models import Notification
    from generation.media import storage
    from generation.models import Generation, Image, ImageState
    from moderation.models import Screening

    broken = []
    rows = Image.objects.all()
    if rows.count() != images:
        broken.append(f"{rows.count()} rows for {images} images")
    if stuck := rows.pending().count():
        broken.append(f"{stuck} are stuck: {dict(_states())}")
    if failed := list(rows.filter(state__in=("failed", "cancelled")).values_list("failure", flat=True)):
        broken.append(f"{len(failed)} innocent images failed: {failed[:3]}")
    if blamed := rows.filter(attempts__gt=0).count():
        broken.append(f"{blamed} images were blamed for a fault of a machine")
    finished = rows.filter(state__in=(ImageState.READY, ImageState.HELD))
    if wrong := finished.exclude(charged_units=F("cost_units")).count():
        broken.append(f"{wrong} were not charged exactly once")
    for image in finished:
        if hashlib.sha256(storage.original_png(image)).hexdigest() != image.png_sha256:
            broken.append(f"image {image.pk} is not the file that its row names")
    checks = Screening.objects.filter(target_id__in=finished.values("pk"), target_type="generation.image")
    if twice := checks.values("target_id").annotate(n=Count("pk")).filter(n__gt=1).count():
        broken.append(f"{twice} arrived more than once")
    done = Notification.objects.filter(kind="generation.done").count()
    if done > Generation.objects.count():
        broken.append(f"{done} notifications for {Generation.objects.count()} generations")
    return broken


def _run(site: Chaos, arguments: argparse.Namespace) -> dict[str, Any]:
    from django.db.models import Sum

    from generation.models import Image

    faults = [
        each for each in _faults(arguments.away)
        if not arguments.only or any(word in each.name for word in arguments.only)
    ]  # fmt: skip
    requests, began, asked = Requests(), time.monotonic(), 0
    for number, fault in enumerate(faults):
        wave = arguments.images * (number + 1) // len(faults) - asked
        requests.submit(wave)
        asked += wave
        _strike(site, fault)
    is_over = _wait(site, lambda s: sum(s.values()) == asked and s["ready"] + s["held"] == asked, WAIT_SECONDS)
    broken = _broken_promises(arguments.images)
    return {
        "benchmark": "chaos_generation",
        "images": arguments.images,
        "faults": [each.name for each in faults],
        "seconds": round(time.monotonic() - began),
        "interruptions": Image.objects.aggregate(n=Sum("interruptions"))["n"],
        "states": dict(_states()),
        "is_over": is_over,
        "broken_promises": broken,
    }


def main() -> int:
    arguments = _arguments()
    for name in ("DATABASE_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    with tempfile.TemporaryDirectory(prefix="salon-chaos-", ignore_cleanup_errors=True) as fresh:
        folder = Path(fresh)
        folder.chmod(0o711)
        os.environ.update(
            {"VAR_DIR": fresh, "DAILY_COST_UNITS": "0", "MAX_PENDING_IMAGES": "10000", "LEASE_SECONDS": "12",
             "GPU_DEVICE": "cpu", "DJANGO_SETTINGS_MODULE": "config.settings",
             **{name: secrets.token_urlsafe(48) for name in ("SECRET_KEY", "RELEASE_SECRET")}}
        )  # fmt: skip
        with chaos(folder) as site:
            result = _on(site, folder, arguments)
            print(json.dumps(result))
            if result["broken_promises"]:
                for log in sorted((folder / "log").glob("*.log")):
                    print(f"--- {log.name}\n" + log.read_text(errors="replace")[-3000:], file=sys.stderr)
    return 1 if result["broken_promises"] else 0


def _on(site: Chaos, folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    import django

    django.setup()
    from django.core.management import call_command

    from generation.models import Checkpoint
    from tests.generation import tiny

    sys.path.insert(0, str(ROOT))
    call_command("migrate", verbosity=0)
    source = tiny.build(folder / "checkpoint")
    Checkpoint.objects.create(
        slug="chaos", name="Chaos", source=str(source), sha256="0" * 64, licence="-", sizes=[[tiny.SIZE, tiny.SIZE]],
        default_steps=STEPS,
    )  # fmt: skip
    site.start_workers()
    return _run(site, arguments)


if __name__ == "__main__":
    sys.exit(main())
