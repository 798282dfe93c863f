"""The queue against a raw loop and against one task per image; and how evenly it serves many members.

    python -m benchmarks.generation [--quick] [--checkpoint FOLDER] [--batch N] [--images N] [--rounds N] [--steps N]

The same pictures are drawn with the same pipeline, in turns, so that a busy machine slows all: by a plain loop over
batches in one process, that only draws, with as many threads as torch takes by itself and, on a CPU, with as many as
are fastest; by a Celery task per image; and by Salon, from the submitted request to the stored files and rows (checks
of pictures come after, and run elsewhere). Then 5, 50 and 500 members wait, one of whom
submitted half of everything: the claims are real, drawing is a step of the clock. Prints a table, and one JSON object
as its last line.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import redis

from benchmarks.support.place import ROOT, place
from config.local.processes import Guarded, guard, until_ready

PROMPT = "a cat on a red background"
GUIDANCE = 3.0
MEMBERS = (5, 50, 500)
WAIT_SECONDS = 3600.0
BEAT_SECONDS = 5.0


@dataclass(frozen=True)
class Plan:
    folder: Path
    batch: int
    images: int
    rounds: int
    steps: int
    size: list[int]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few steps, one round: a minute on a quiet machine")
    parser.add_argument("--checkpoint", type=Path, help="a diffusers folder; the starter, or a toy, by default")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--images", type=int, default=64, help="a round and way; few show how a queue starts and ends")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--size", type=int, nargs=2, metavar=("W", "H"), help="the checkpoint's own by default")
    parser.add_argument("--only-fairness", action="store_true")
    return parser.parse_args()


def _folder(asked: Path | None) -> Path:
    starter = ROOT / "var" / "checkpoints" / "starter"
    if asked is not None or (starter / "model_index.json").exists():
        return (asked or starter).resolve()
    from tests.generation import tiny

    return tiny.build(Path(tempfile.mkdtemp()) / "tiny")


def _until(is_true: Callable[[], bool], every: Callable[[], None] = lambda: None) -> float:
    """Seconds until it is true; calls `every` in between."""
    began = time.perf_counter()
    while not is_true():
        every()
        if time.perf_counter() - began > WAIT_SECONDS:
            raise TimeoutError("nothing was drawn for an hour")
        time.sleep(0.1)
    return time.perf_counter() - began


@contextmanager
def _worker(app: str, queue: str, folder: Path) -> Iterator[Guarded]:
    command = [sys.executable, "-m", "celery", "-A", app, "worker", "-Q", queue, "-P", "prefork", "-c", "1"]
    command += ["--without-gossip", "--without-mingle", "-n", f"{queue}@bench", "-l", "INFO"]
    log = folder / f"{queue}.log"
    service = guard(f"The worker of {queue}", command, log=log, cwd=ROOT, environ=dict(os.environ))
    try:
        until_ready(service, lambda: log.exists() and "ready." in log.read_text(errors="replace"), seconds=300)
        yield service
    finally:
        service.stop()


class RawLoop:
    """The pipeline alone, in this process: what the hardware can do."""

    def __init__(self, plan: Plan) -> None:
        import torch

        from benchmarks.support import task_per_image

        self._plan, self._draw, self._threads = plan, task_per_image.draw, torch.get_num_threads()
        self._pipeline = task_per_image.load(str(plan.folder))

    def __call__(self, seeds: list[int], threads: int = 0) -> float:
        import torch

        torch.set_num_threads(threads or self._threads)
        plan, began = self._plan, time.perf_counter()
        for first in range(0, len(seeds), plan.batch):
            some = seeds[first : first + plan.batch]
            self._draw(self._pipeline, prompts=[PROMPT] * len(some), seeds=some, size=plan.size, steps=plan.steps,
                       guidance=GUIDANCE)  # fmt: skip
        return time.perf_counter() - began

    def fastest(self) -> Callable[[list[int]], float]:
        """This loop, with the number of threads that draws two batches fastest."""
        from generation.engines.diffusers.stepping import choices

        seeds = list(range(2 * self._plan.batch))
        threads = min(choices(self._threads), key=lambda number: min(self(seeds, number) for _try in range(3)))
        return lambda seeds: self(seeds, threads)


class TaskPerImage:
    def __init__(self, plan: Plan, folder: Path) -> None:
        self._plan, self._out = plan, folder / "task-per-image"
        self._out.mkdir(exist_ok=True)

    def __call__(self, seeds: list[int]) -> float:
        from benchmarks.support.task_per_image import BROKER, DONE, make

        plan = self._plan
        with redis.Redis.from_url(BROKER) as client:
            client.delete(DONE)
            for seed in seeds:
                arguments = (str(plan.folder), PROMPT, seed, plan.size, plan.steps, GUIDANCE, str(self._out))
                make.apply_async(arguments, queue="per-image")
            return _until(lambda: int(client.get(DONE) or 0) == len(seeds))


class Salon:
    """Requests of several members, from submitting to stored."""

    def __init__(self, plan: Plan) -> None:
        from django.utils import timezone

        from accounts.models import User
        from generation.models import BatchCap, Checkpoint

        self._plan, self._round, self._woken = plan, 0, time.monotonic()
        self._members = [User.objects.create_user(f"author-{number}") for number in range(4)]
        checkpoint = Checkpoint.objects.create(
            slug="bench", name="Bench", source=str(plan.folder), sha256="0" * 64, licence="-", sizes=[plan.size],
            default_steps=plan.steps, max_steps=200, default_guidance=GUIDANCE,
        )  # fmt: skip
        for device in {"cpu", _device()}:
            BatchCap.objects.create(checkpoint=checkpoint, device=device, width=plan.size[0], height=plan.size[1],
                                    cap=plan.batch, updated_at=timezone.now())  # fmt: skip

    def __call__(self, seeds: list[int]) -> float:
        from generation import services
        from generation.models import Image, ImageState

        self._round += 1
        began, left, number = time.perf_counter(), len(seeds), 0
        while left:
            count = min(8, left)
            services.submit_generation(
                author=self._members[number % 4], prompt=PROMPT, checkpoint="bench", count=count, seed=number * 8,
                steps=self._plan.steps, guidance=GUIDANCE, idempotency_key=f"{self._round}-{number}",
            )  # fmt: skip
            left, number = left - count, number + 1
        waiting = Image.objects.filter(state__in=(ImageState.QUEUED, ImageState.LEASED))
        _until(lambda: not waiting.exists(), every=self._wake)
        assert not Image.objects.filter(state=ImageState.FAILED).exists(), "a picture failed; see the log"
        return time.perf_counter() - began

    def _wake(self) -> None:
        """What beat does: a wake-up that the worker was not ready for is lost."""
        from generation.queue.wakeup import wake_workers

        if time.monotonic() - self._woken > BEAT_SECONDS:
            self._woken = time.monotonic()
            wake_workers("default")


def _device() -> str:
    from generation.engines.diffusers.loading import device_name

    return device_name()


def _throughput(plan: Plan, folder: Path) -> dict[str, Any]:
    raw = RawLoop(plan)
    ways: dict[str, Callable[[list[int]], float]] = {"raw": raw}
    if _device() == "cpu":
        ways["raw_fastest"] = raw.fastest()
    rates: dict[str, list[float]] = {name: [] for name in (*ways, "per_task", "salon")}
    with (
        _worker("benchmarks.support.task_per_image", "per-image", folder),
        _worker("config", "gpu.default", folder),
    ):
        ways |= {"per_task": TaskPerImage(plan, folder), "salon": Salon(plan)}
        for way in ways.values():
            way(list(range(plan.batch)))  # loads the model, allocates
        for number in range(plan.rounds):
            order = list(ways.items())
            for name, way in order[number % len(order) :] + order[: number % len(order)]:
                rates[name].append(plan.images / way(list(range(plan.images))))
                print(f"round {number + 1}: {name:>11} {rates[name][-1]:8.3f} images a second", flush=True)
    medians = {name: statistics.median(values) for name, values in rates.items()}

    def ratio(name: str) -> float:
        rounds = zip(rates["salon"], rates[name], strict=True)
        return round(statistics.median(salon / other for salon, other in rounds), 3)

    ratios = {f"{name}_ratio": ratio(name) for name in rates if name != "salon"}
    return {"images_per_s": {name: round(value, 4) for name, value in medians.items()}, **ratios}


def _fairness(quick: bool) -> list[dict[str, Any]]:
    from benchmarks.support.queue_load import SMALL, fairness
    from generation.models import Checkpoint

    Checkpoint.objects.create(slug="fairness", name="Fairness", source="-", licence="-", sizes=[[SMALL, SMALL]])
    rows = []
    print(f"\n{'members':>8} {'p50 wait':>9} {'p99 wait':>9} {'Jain':>7} {'newcomer rounds':>16} {'claim ms':>9}")
    for members in MEMBERS:
        row = fairness(members)
        rows.append(asdict(row))
        print(f"{row.members:>8} {row.p50_wait_s:>9.1f} {row.p99_wait_s:>9.1f} {row.jain:>7.4f}"
              f" {row.newcomer_rounds:>16.3f} {row.claim_ms:>9.1f}", flush=True)  # fmt: skip
    return rows


def main() -> int:
    arguments = _arguments()
    site = {"DAILY_COST_UNITS": "0", "MAX_PENDING_IMAGES": "100000", "LEASE_SECONDS": "60"}
    with place("", **site) as folder:
        os.environ["PER_TASK_BROKER"] = os.environ["REDIS_URL"].rsplit("/", 1)[0] + "/1"
        result: dict[str, Any] = {"benchmark": "generation"}
        if not arguments.only_fairness:
            source = _folder(arguments.checkpoint)
            size = arguments.size or _native_size(source)
            quick = (8, 1, 4) if arguments.quick else (arguments.images, arguments.rounds, arguments.steps)
            plan = Plan(source, arguments.batch, quick[0], quick[1], quick[2], size)
            print(
                f"{source.name} at {size[0]} x {size[1]}, {plan.steps} steps, batches of {plan.batch}, on {_device()}"
            )
            result |= {"checkpoint": source.name, "device": _device(), "size": size, "steps": plan.steps,
                       "batch": plan.batch, **_throughput(plan, folder)}  # fmt: skip
        rows = _fairness(arguments.quick)
        result |= {"members": rows, "jain": min(row["jain"] for row in rows)}
        result["newcomer_rounds"] = max(row["newcomer_rounds"] for row in rows)
        print(json.dumps(result))
    return 0


def _native_size(folder: Path) -> list[int]:
    from generation.engines.base import Source
    from generation.engines.diffusers.inspection import native_size
    from generation.engines.diffusers.loading import load

    return native_size(load(Source(str(folder))))


if __name__ == "__main__":
    sys.exit(main())
