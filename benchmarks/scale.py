"""A pool of 50 GPUs and 10,000 members: waits, fairness, and what one claim at a time allows.

    python -m benchmarks.scale [--quick] [--workers 50] [--members 10000] [--minutes 20] [--claim-ms N] [--rows 20000]

First claims of a real PostgreSQL with that many members waiting are timed (unless --claim-ms says it), and the disk of
a post is read from copies of one. Then the queue's own pure ordering code decides, on a clock of its own, who waits how
long. Seconds of a picture are an argument (--picture): on an A100 SDXL takes 3.31 for 30 steps at 1024 pixels
(huggingface/diffusers, docs/source/en/tutorials/fast_diffusion.md). Prints tables, and one JSON object as last line.
"""

import argparse
import json
import os
import secrets
import statistics
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.support.place import place

if TYPE_CHECKING:
    from benchmarks.support.queue_simulation import Plan, Seen

SCENARIOS = (  # name, what ordinary members ask for of what the GPUs can draw, members who flood, checkpoints in memory
    ("two thirds of the GPUs", 0.67, 0, 8),
    ("nine tenths", 0.9, 0, 8),
    ("two thirds, and 100 flood", 0.67, 100, 8),
    ("nine tenths, two of three loaded", 0.9, 0, 2),
)
TABLES = ("generation_generation", "generation_image", "feed_post", "feed_postcount", "feed_feedentry")


@dataclass(frozen=True)
class Measured:
    """Of a real PostgreSQL; bytes with indexes."""

    claim_ms: float
    bytes_a_post: dict[str, float]
    bytes_of_files: int  # of a picture of 1024 pixels a side: the PNG, the training copy and all renditions


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="5 GPUs, 500 members and 5 minutes")
    parser.add_argument("--workers", type=int, default=50)
    parser.add_argument("--members", type=int, default=10_000)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--picture", type=float, default=3.31, help="GPU seconds of a picture (3.31)")
    parser.add_argument("--claim-ms", type=float, default=0.0, help="do not ask a database, take this")
    parser.add_argument("--rows", type=int, default=20_000, help="posts whose size on disk is read")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.workers, arguments.members, arguments.minutes, arguments.rows = 5, 500, 5.0, 2_000
    return arguments


def _measure(members: int, rows: int) -> Measured:
    """In services of its own: the disk of a post, and the time of a claim while every member waits."""
    from django.db import connection

    from benchmarks.support import feed_load
    from benchmarks.support.queue_load import SMALL, Site
    from generation.models import Checkpoint

    feed_load.load(rows)
    files = _bytes_of_files()
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, pg_total_relation_size(name) FROM unnest(%s::text[]) AS name", [list(TABLES)])
        sizes = {name: size / rows for name, size in cursor.fetchall()}
        cursor.execute("TRUNCATE generation_generation CASCADE")
    Checkpoint.objects.create(slug="fairness", name="Fairness", source="-", licence="-", sizes=[[SMALL, SMALL]])
    site = Site(members, 2)
    for number in range(members):
        site.submit(number, 1)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    for _claim in range(40):
        site.draw()
    return Measured(1000 * statistics.median(site.claims), sizes, files)


def _bytes_of_files(side: int = 1024) -> int:
    """Of pink noise, whose spectrum is that of photographs: 1/f, contrast 50 of 255."""
    import numpy as np
    import PIL.Image

    from generation.media import encoding
    from generation.models import Image
    from generation.parameters import Parameters

    rng, f = np.random.default_rng(1), np.fft.fftfreq(side)
    frequency = np.maximum(np.hypot(f[:, None], f[None, :]), 1 / side)
    noise = np.fft.ifft2(np.fft.fft2(rng.normal(size=(3, side, side))) / frequency).real
    pixels = np.clip(128 + 50 * noise / noise.std(axis=(1, 2), keepdims=True), 0, 255).astype("uint8")
    picture, image = PIL.Image.fromarray(pixels.transpose(1, 2, 0)), Image.objects.order_by("pk")[0]
    encoded = encoding.encode(picture, Parameters.of(image), public_id=image.public_id)
    return sum(len(content) for content in encoded.files.values())


def _simulate(arguments: argparse.Namespace, claim_ms: float) -> list[dict[str, Any]]:
    from benchmarks.support.queue_simulation import Plan, Simulation

    rows = []
    for name, load, floods, kept in SCENARIOS:
        plan = Plan(arguments.workers, arguments.members, load, floods, 60 * arguments.minutes, arguments.picture,
                    claim=claim_ms / 1000, kept=kept, seed=arguments.seed)  # fmt: skip
        rows.append({"scenario": name, **_row(plan, Simulation(plan).run())})
    return rows


def _row(plan: "Plan", seen: "Seen") -> dict[str, Any]:
    from benchmarks.support.queue_load import jain
    from benchmarks.support.queue_simulation import percentile

    floods = [float(seen.served[flood]) for flood in range(plan.floods)]
    images = len(seen.waits) + len(seen.first_waits) + len(seen.flood_waits)
    return {
        "first_p50_s": round(percentile(seen.first_waits, 0.5), 1),
        "first_p99_s": round(percentile(seen.first_waits, 0.99), 1),
        "more_p50_s": round(percentile(seen.waits, 0.5), 1),
        "more_p99_s": round(percentile(seen.waits, 0.99), 1),
        "flood_p50_s": round(percentile(seen.flood_waits, 0.5), 1),
        "flood_jain": round(jain(floods), 4) if floods else None,
        "flood_share": round(sum(floods) / sum(seen.served.values()), 3),
        "drawing": round(seen.busy / plan.workers / plan.duration, 3),
        "loads_per_gpu_hour": round(seen.loads / plan.workers / plan.duration * 3600, 1),
        "images": images,
        "images_a_day": round(images / plan.duration * 86_400),
        "images_per_batch": round(images / seen.batches, 2),
        "claims_per_s": round(seen.batches / plan.duration, 2),
        "lock_p99_ms": round(1000 * percentile(seen.locked, 0.99), 1),
        "choose_p50_ms": round(1000 * percentile(seen.chose, 0.5), 1),
        "choose_p99_ms": round(1000 * percentile(seen.chose, 0.99), 1),
        "longest_queue": seen.longest,
    }


def _print(rows: list[dict[str, Any]]) -> None:
    for key in rows[0]:
        print(f"{key:22}" + "".join(f"{row[key]!s:>36}" for row in rows))


def main() -> int:
    arguments = _arguments()
    secret = {name: secrets.token_urlsafe(48) for name in ("SECRET_KEY", "RELEASE_SECRET")}
    measured = Measured(arguments.claim_ms, {}, 0)
    with ExitStack() as stack:
        if arguments.claim_ms:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            os.environ.update({"DJANGO_SETTINGS_MODULE": "config.settings", "VAR_DIR": folder, **secret})
            import django

            django.setup()
        else:
            stack.enter_context(place("", DJANGO_SETTINGS_MODULE="config.settings", **secret))
            measured = _measure(arguments.members, arguments.rows)
            print(f"a claim with {arguments.members} members waiting: {measured.claim_ms:.1f} ms")
            print(f"files of a picture: {measured.bytes_of_files / 1e6:.2f} MB")
            for table, size in measured.bytes_a_post.items():
                print(f"  {table}: {size:.0f} bytes a row, indexes included")
        rows = _simulate(arguments, measured.claim_ms)
    _print(rows)
    total = round(sum(measured.bytes_a_post.values()))
    print(json.dumps({
        "benchmark": "scale", "workers": arguments.workers, "members": arguments.members,
        "minutes": arguments.minutes, "picture_s": arguments.picture, "claim_ms": round(measured.claim_ms, 1),
        "claims_per_s_at_most": round(1000 / measured.claim_ms, 1), "bytes_a_post": total,
        "bytes_of_files": measured.bytes_of_files, "scenarios": rows,
    }))  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
