"""Ratings to Parquet by a release, against COPY, pyarrow.csv and the same Parquet writer on the same rows.

    python -m benchmarks.datasets [--quick]

A release plans (freezes copies of every row, reads consent, counts what stays) and then builds; the reference does
neither, so both ratios are told: of the build alone, and of the whole.

"""

import argparse
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from config.local import services  # noqa: E402

COLUMNS = """image.jpeg_sha256 AS image_sha256, question.slug AS question_id, question.version AS question_version,
 rating.value, ask.is_scale_reversed, ask.propensity, rating.rater_id, generation.prompt AS caption, ask.surface,
 ask.stratum, ask.p_ask, ask.p_question, ask.p_strategy, ask.p_pair, ask.p_side, rating.repeat_no,
 ask.rater_is_author, ask.dwell_ms, rating.created_at::date AS created_at"""
TABLES = """ratings_rating rating JOIN ratings_ask ask ON ask.id = rating.ask_id
 JOIN ratings_question question ON question.id = rating.question_id
 JOIN generation_image image ON image.id = rating.image_id
 JOIN generation_generation generation ON generation.id = image.generation_id"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small run of under a minute")
    images, raters = (200, 100) if parser.parse_args().quick else (1000, 400)
    with tempfile.TemporaryDirectory(prefix="salon-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        for name in ("DATABASE_URL", "REDIS_URL"):
            os.environ.pop(name, None)
        with services(Path(folder)) as variables:
            os.environ.update({**variables, "VAR_DIR": folder}, DJANGO_SETTINGS_MODULE="config.settings")
            import django

            django.setup()
            subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], cwd=ROOT, check=True)
            prepare(images, raters)
            report(images * raters, measure(Path(folder)))


def prepare(images: int, raters: int) -> None:
    """`images` pictures, each rated by each of `raters` people who agreed to everything."""
    from django.db import connection
    from django.utils import timezone

    from accounts.models import ConsentEvent, Purpose, User
    from generation.models import Checkpoint, Generation, Image

    now = timezone.now()
    people = User.objects.bulk_create(User(username=f"rater-{n}") for n in range(raters))
    ConsentEvent.objects.bulk_create(
        ConsentEvent(user=user, purpose=purpose, text_version="1", granted=True, at=now)
        for user in people
        for purpose in (Purpose.TRAIN, Purpose.PUBLISH)
    )
    checkpoint = Checkpoint.objects.create(
        slug="bench", name="Bench", source="bench", licence="none", outputs_may_train=True, sizes=[[64, 64]]
    )
    generations = Generation.objects.bulk_create(
        Generation(
            author=people[0],
            prompt=f"a cat number {n}",
            checkpoint=checkpoint,
            scheduler="DDIMScheduler",
            steps=20,
            guidance=3,
            width=64,
            height=64,
            idempotency_key=f"bench-{n}",
            submitted_at=now,
        )
        for n in range(images)
    )
    Image.objects.bulk_create(
        Image(
            generation=generation,
            author=people[0],
            position=0,
            seed=1,
            batch_key="",
            cost_units=1,
            pool="default",
            state="ready",
            not_before=now,
            queued_at=now,
            width=64,
            height=64,
            jpeg_sha256=f"{generation.pk:064x}",
        )
        for generation in generations
    )
    with connection.cursor() as cursor:
        cursor.execute(_ASKS)
        cursor.execute(_RATINGS)
        cursor.execute("ANALYZE")


_ASKS = """INSERT INTO ratings_ask (public_id, policy_id, surface, stratum, rater_id, image_id, question_id, strategy,
 p_ask, p_question, p_strategy, p_pair, p_side, repeat_no, is_gold, is_scale_reversed, is_side_swapped,
 rater_is_author, created_at, expires_at, shown_at, closed_at, dwell_ms, outcome)
 SELECT lpad(to_hex(row_number() OVER ()), 12, '0'), policy.id, 'post', 'settled', rater.id, image.id, question.id,
  '', 0.05, 0.2, 1, 1, 1, 0, false, random() < 0.5, false, false, now(), now(), now(), now(), 2000, 'answered'
 FROM accounts_user rater CROSS JOIN generation_image image, ratings_question question, ratings_policy policy
 WHERE question.slug = 'lighting' AND policy.version = 1"""
_RATINGS = """INSERT INTO ratings_rating (ask_id, rater_id, image_id, question_id, repeat_no, value, created_at)
 SELECT id, rater_id, image_id, question_id, 0, 1 + (id % 5), created_at FROM ratings_ask"""


def measure(folder: Path) -> dict[str, float]:
    """Seconds of each step, the best of two for what can be repeated, and peak memory in MB."""
    from ratings import building, releases
    from ratings.datasets.eligibility import ReleaseFilter
    from ratings.models import Release

    started = time.perf_counter()
    release = releases.plan_release(filter=ReleaseFilter(), kinds=["ratings"], destination=folder / "out")
    plan = time.perf_counter() - started
    reference = min(_timed(lambda: by_copy(folder / "copy.parquet")) for _ in range(2))
    build = _timed(lambda: building.build_release(release=release))
    release.shards.update(built_at=None)
    Release.objects.update(state=Release.State.BUILDING)
    build = min(build, _timed(lambda: [building.build_shard(shard=shard) for shard in release.shards.all()]))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"plan": plan, "build": build, "reference": reference, "peak_mb": peak}


def _timed(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def by_copy(path: Path) -> None:
    """The reference: the rows as CSV out of PostgreSQL, parsed and written by pyarrow."""
    import pyarrow.csv as pa_csv
    import pyarrow.parquet as pq
    from django.db import connection

    from ratings.datasets.columns import ROW_GROUP

    buffer = io.BytesIO()
    with connection.cursor() as cursor:
        with cursor.copy(f"COPY (SELECT {COLUMNS} FROM {TABLES}) TO STDOUT (FORMAT csv, HEADER)") as copy:  # noqa: S608
            for block in copy:
                buffer.write(block)
    table = pa_csv.read_csv(io.BytesIO(buffer.getvalue()))
    with pq.ParquetWriter(path, table.schema, version="2.6", compression="zstd") as writer:
        writer.write_table(table, row_group_size=ROW_GROUP)


def report(rows: int, seconds: dict[str, float]) -> None:
    plan, build, reference = seconds["plan"], seconds["build"], seconds["reference"]
    table = [("plan (freeze, consent)", plan), ("build", build), ("plan and build", plan + build)]
    table += [("COPY, pyarrow.csv, Parquet", reference)]
    print(f"{rows:,} ratings to Parquet; peak memory {seconds['peak_mb']:.0f} MB")
    print(f"{'step':<30}{'seconds':>10}{'rows/s':>12}{'ratio':>8}")
    for name, took in table:
        print(f"{name:<30}{took:>10.2f}{rows / took:>12,.0f}{reference / took:>8.2f}")
    ratios = {"build_ratio": reference / build, "release_ratio": reference / (plan + build)}
    print(json.dumps({"benchmark": "datasets", "rows": rows, **seconds, **ratios}))


if __name__ == "__main__":
    main()
