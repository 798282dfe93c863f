"""Releases against the plain way to write the same rows with the same Parquet writer, on the same machine.

    python -m benchmarks.datasets [--ratings 1000000] [--pairs 20000] [--quick]

Narrow tables: COPY, pyarrow.csv, Parquet, beside a release that also reads consent, freezes what it will hold and can
be resumed. Pairs: reading the same files and writing them. Also told: peak memory of a plan and build beside that of a
tenth of the rows, and two processes beside one.
"""

import argparse
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
 rating.value, CASE WHEN ask.is_scale_reversed THEN 'descending' ELSE 'ascending' END AS scale_direction,
 ask.propensity, rating.rater_id, rating.id AS rating_id, generation.prompt AS caption, checkpoint.slug AS model,
 ask.surface, ask.stratum, policy.version AS policy_version, ask.p_ask, ask.p_question, ask.p_strategy, ask.p_pair,
 ask.p_side, rating.repeat_no, ask.rater_is_author, ask.dwell_ms, rating.created_at::date AS created_at"""
TABLES = """ratings_rating rating JOIN ratings_ask ask ON ask.id = rating.ask_id
 JOIN ratings_question question ON question.id = rating.question_id
 JOIN ratings_policy policy ON policy.id = ask.policy_id
 JOIN generation_image image ON image.id = rating.image_id
 JOIN generation_generation generation ON generation.id = image.generation_id
 JOIN generation_checkpoint checkpoint ON checkpoint.id = generation.checkpoint_id"""
RATERS = 1_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ratings", type=int, default=1_000_000)
    parser.add_argument("--pairs", type=int, default=20_000)
    parser.add_argument("--quick", action="store_true", help="a small run of about a minute")
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)  # a process of its own, for its peak memory
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(_in_process(*options.measure)))
        return
    ratings, pairs = (20_000, 400) if options.quick else (options.ratings, options.pairs)
    with tempfile.TemporaryDirectory(prefix="salon-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        for name in ("DATABASE_URL", "REDIS_URL"):
            os.environ.pop(name, None)
        with services(Path(folder)) as variables:
            os.environ.update({**variables, "VAR_DIR": folder}, DJANGO_SETTINGS_MODULE="config.settings")
            import django

            django.setup()
            subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], cwd=ROOT, check=True)
            report(run(Path(folder), ratings, pairs))


def run(folder: Path, ratings: int, pairs: int) -> dict[str, Any]:
    from benchmarks import _datasets

    _datasets.prepare(ratings // 10 // RATERS or 1, RATERS)
    small = _measured("ratings", folder / "small")
    _datasets.prepare(ratings // RATERS - (ratings // 10 // RATERS or 1), RATERS)
    large = _measured("ratings", folder / "large")
    found: dict[str, Any] = {"ratings": large["rows"], "small": small, "large": large}
    found["reference"] = min(_timed(lambda: by_copy(folder / "copy.parquet")) for _ in range(2))
    _datasets.prepare_pairs(pairs)
    found["pairs"] = _measured("pairs", folder / "pairs")
    found["pairs_reference"] = _timed(lambda: _datasets.by_files(folder / "files.parquet"))
    found["one"], found["two"] = (_workers(folder / f"{n}-workers", n) for n in (1, 2))
    return found


def _measured(kind: str, out: Path) -> dict[str, Any]:
    """A plan and a build in a process of their own: seconds, rows and its peak memory in MB."""
    command = [sys.executable, "-m", "benchmarks.datasets", "--measure", kind, str(out), "build"]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measured


def _in_process(kind: str, out: str, what: str) -> dict[str, Any]:
    import django

    django.setup()
    from ratings import building, releases
    from ratings.datasets.eligibility import ReleaseFilter
    from ratings.models import Release

    if what == "shards":
        release = Release.objects.get(destination=out)
        return {
            "seconds": _timed(lambda: [building.build_shard(shard=shard) for shard in release.shards.order_by("pk")])
        }
    started = time.perf_counter()
    release = releases.plan_release(filter=ReleaseFilter(), kinds=[kind], destination=Path(out))
    plan = time.perf_counter() - started
    build = _timed(lambda: building.build_release(release=release))
    release.refresh_from_db()
    rows = sum(n for split, n in release.manifest["rows"][kind].items() if not split.endswith("_unique"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"plan": plan, "build": build, "rows": rows, "peak_mb": peak}


def _workers(out: Path, count: int) -> float:
    """Seconds until `count` processes have built every shard of one release of ratings, planned before."""
    from ratings import releases
    from ratings.datasets import planning
    from ratings.datasets.eligibility import ReleaseFilter

    vars(planning)["SHARD_ROWS"] = 100_000  # enough shards to share
    releases.plan_release(filter=ReleaseFilter(), kinds=["ratings"], destination=out)
    command = [sys.executable, "-m", "benchmarks.datasets", "--measure", "ratings", str(out), "shards"]
    running = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(count)]
    outputs = [process.communicate()[0] for process in running]
    return max(float(json.loads(output.splitlines()[-1])["seconds"]) for output in outputs)


def _timed(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def by_copy(path: Path) -> None:
    """The reference: the rows as CSV out of PostgreSQL, parsed and written by pyarrow."""
    import pyarrow as pa
    import pyarrow.csv as pa_csv
    import pyarrow.parquet as pq
    from django.db import connection

    from ratings.datasets.columns import ROW_GROUP

    with connection.cursor() as cursor:
        with cursor.copy(f"COPY (SELECT {COLUMNS} FROM {TABLES}) TO STDOUT (FORMAT csv, HEADER)") as copy:  # noqa: S608
            content = pa.py_buffer(b"".join(copy))
    table = pa_csv.read_csv(pa.BufferReader(content))
    with pq.ParquetWriter(path, table.schema, version="2.6", compression="zstd") as writer:
        writer.write_table(table, row_group_size=ROW_GROUP)


def report(found: dict[str, Any]) -> None:
    large, pairs = found["large"], found["pairs"]
    steps = [
        ("ratings: plan", large["plan"], large["rows"], found["reference"]),
        ("ratings: build", large["build"], large["rows"], found["reference"]),
        ("ratings: plan and build", large["plan"] + large["build"], large["rows"], found["reference"]),
        ("COPY, pyarrow.csv, Parquet", found["reference"], large["rows"], found["reference"]),
        ("pairs: plan", pairs["plan"], pairs["rows"], found["pairs_reference"]),
        ("pairs: build", pairs["build"], pairs["rows"], found["pairs_reference"]),
        ("pairs: plan and build", pairs["plan"] + pairs["build"], pairs["rows"], found["pairs_reference"]),
        ("reading files, Parquet", found["pairs_reference"], pairs["rows"], found["pairs_reference"]),
    ]
    print(f"{'step':<30}{'seconds':>10}{'rows/s':>12}{'ratio':>8}")
    for name, took, rows, reference in steps:
        print(f"{name:<30}{took:>10.2f}{rows / took:>12,.0f}{reference / took:>8.2f}")
    memory = large["peak_mb"] / found["small"]["peak_mb"]
    print(f"peak memory {large['peak_mb']:.0f} MB for {large['rows']:,} rows, {memory:.2f} x that for a tenth of them")
    print(f"two processes build the shards {found['one'] / found['two']:.2f} x as fast as one")
    print(json.dumps({"benchmark": "datasets", **found}))


if __name__ == "__main__":
    main()
