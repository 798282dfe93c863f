"""Compares releases with the plain way to write the same rows by the same Parquet writer, on the same machine.

    python -m benchmarks.datasets [--ratings 1000000] [--pairs 20000] [--side 128] [--quick] [--folder PATH [--prepare]]

Ratings: COPY, pyarrow.csv, Parquet: the same rows and columns, streamed, with plain ids where a release has pseudonyms.
Pairs: the same files read, hashed and written, with the same columns, as building a planned release does. All files are
read once before, so that both sides find them in memory.
Beyond that a release checks consent, screening and flags for every member and picture, computes at least two HMACs per
row, draws splits and sides, stores every row so that it can be deleted again, counts what is left out, computes
agreement, can be resumed and shared between workers, and writes card, manifest and checksums. Imports are done before
the clock starts, on both sides.

Also printed: peak memory beside that of a release as of a day when a tenth of the ratings was there, and two processes
beside one. With `--folder` the ledgers stay there for later runs; `--prepare` creates them and measures nothing.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from config.local import services  # noqa: E402

RATERS = 1_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ratings", type=int, default=1_000_000, help="0: none")
    parser.add_argument("--pairs", type=int, default=20_000, help="0: none")
    parser.add_argument(
        "--side", type=int, default=128, help="of the pictures in pairs, in px: 128 makes JPEGs of 6 kB"
    )
    parser.add_argument("--quick", action="store_true", help="a small run of about a minute")
    parser.add_argument("--folder", type=Path, help="where ledgers are kept")
    parser.add_argument("--prepare", action="store_true", help="fill the ledgers and end")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)  # a process of its own, for its peak memory
    options = parser.parse_args()
    if options.measure:
        measure(*options.measure)
        return
    ratings, pairs = (20_000, 400) if options.quick else (options.ratings, options.pairs)
    with _site(options.folder) as folder:
        prepare(folder, ratings, pairs, options.side)
        if not options.prepare:
            report(run(folder, ratings, pairs))


@contextmanager
def _site(kept: Path | None) -> Iterator[Path]:
    """A migrated database of its own, in a temporary folder or in one that is kept."""
    temporary = None if kept else tempfile.TemporaryDirectory(prefix="salon-bench-", ignore_cleanup_errors=True)
    folder = kept or Path(temporary.name if temporary else "")
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o711)
    for name in ("DATABASE_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    try:
        with services(folder) as variables:
            os.environ.update({**variables, "VAR_DIR": str(folder)}, DJANGO_SETTINGS_MODULE="config.settings")
            import django

            django.setup()
            subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], cwd=ROOT, check=True)
            yield folder
    finally:
        if temporary is not None:
            temporary.cleanup()


def prepare(folder: Path, ratings: int, pairs: int, side: int) -> None:
    """Fills the ledgers unless an earlier run did."""
    from django.utils import timezone

    from benchmarks.support import dataset_load
    from ratings.models import Release

    known, asked = folder / "ledgers.json", {"ratings": ratings, "pairs": pairs, "side": side}
    if known.exists():
        if json.loads(known.read_text()) != asked:
            raise SystemExit(f"{folder} holds other ledgers: {known.read_text()}")
        Release.objects.unfinished().delete()  # of a run that was stopped
        return
    now = timezone.now()
    if ratings:
        tenth = ratings // 10 // RATERS or 1
        dataset_load.prepare(tenth, RATERS, now - dataset_load.AGO)
        dataset_load.prepare(ratings // RATERS - tenth, RATERS, now)
    if pairs:
        dataset_load.prepare_pairs(pairs, side, now)
    known.write_text(json.dumps(asked))


def run(folder: Path, ratings: int, pairs: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if ratings:
        for what in ("tenth", "ratings", "copy"):
            found[what] = _measured(what, folder / f"out-{what}")
    if pairs:
        _read_all(folder / "media")
        for what in ("pairs", "files"):
            found[what] = _measured(what, folder / f"out-{what}")
    if ratings:
        found["one"], found["two"] = _workers(folder / "out-workers")
    return found


def _read_all(folder: Path) -> None:
    """Some thousands of files at a time: memory of this process would count as memory of those it starts."""
    files = folder.rglob("*.jpg")
    with ThreadPoolExecutor(8) as readers:
        while some := list(islice(files, 5_000)):
            sum(readers.map(lambda path: len(path.read_bytes()), some))


def _measured(what: str, out: Path) -> dict[str, Any]:
    """The figures of one piece of work in a process of its own; its files are removed."""
    _remove(out)
    command = [sys.executable, "-m", "benchmarks.datasets", "--measure", what, str(out)]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    _remove(out)
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(what, json.dumps(figures), flush=True)
    return figures


def _remove(out: Path) -> None:
    shutil.rmtree(out, ignore_errors=True)
    out.unlink(missing_ok=True)


def measure(what: str, out: str) -> None:
    """In a process of its own: prints seconds, rows and peak memory (MB) as JSON."""
    import django

    django.setup()
    import pyarrow.csv
    import pyarrow.parquet  # noqa: F401
    import scipy.stats  # noqa: F401  (imported before the clock starts)

    from benchmarks.support import plain_export

    if what == "shards":
        _build_shards(out)
        return
    references = {"copy": plain_export.by_copy, "files": plain_export.by_files}
    figures = {"seconds": _timed(lambda: references[what](Path(out)))} if what in references else _release(what, out)
    print(json.dumps(figures | {"peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


def _release(what: str, out: str) -> dict[str, Any]:
    from django.utils import timezone

    from benchmarks.support.dataset_load import AGO
    from ratings.releases import building
    from ratings.releases import services as releases
    from ratings.releases.engine.eligibility import ReleaseFilter

    kind = "pairs" if what == "pairs" else "ratings"
    at = timezone.now() - AGO / 2 if what == "tenth" else None
    started = time.perf_counter()
    release = releases.plan_release(filter=ReleaseFilter(), kinds=[kind], destination=Path(out), at=at)
    planned = time.perf_counter() - started
    build = _timed(lambda: building.build_release(release=release))
    release.refresh_from_db()
    rows = sum(n for split, n in release.manifest["rows"][kind].items() if not split.endswith("_unique"))
    release.shards.all().delete()
    return {"plan": planned, "build": build, "seconds": planned + build, "rows": rows}


def _workers(out: Path) -> list[float]:
    """Seconds until one process, and then two, have built every shard of one planned release of ratings."""
    from ratings.releases import services as releases
    from ratings.releases.engine.eligibility import ReleaseFilter
    from ratings.releases.publishing.destinations import destination_of

    _remove(out)
    release = releases.plan_release(filter=ReleaseFilter(), kinds=["ratings"], destination=out)
    took = []
    for count in (1, 2):
        destination_of(release).discard()
        release.shards.update(built_at=None, claimed_until=None)
        took.append(_built_by(count, out))
        assert not release.shards.filter(built_at=None).exists()
        print(f"{count} building: {took[-1]:.2f} s", flush=True)
    releases.cancel_release(release=release)
    releases.discard_release(release=release)
    return took


def _built_by(count: int, out: Path) -> float:
    command = [sys.executable, "-m", "benchmarks.datasets", "--measure", "shards", str(out)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    running = [subprocess.Popen(command, cwd=ROOT, **pipes) for _ in range(count)]  # type: ignore[call-overload]
    for process in running:
        assert process.stdout.readline() == "ready\n"
    seconds = _timed(lambda: _start_all(running))
    for process in running:
        assert process.wait() == 0
    return seconds


def _start_all(running: list[subprocess.Popen[str]]) -> None:
    """Starts all before it waits for one; the time that a process takes to exit is not counted."""
    for process in running:
        process.stdin.write("go\n")  # type: ignore[union-attr]  # pipes
        process.stdin.flush()  # type: ignore[union-attr]
    for process in running:
        assert process.stdout.readline() == "done\n"  # type: ignore[union-attr]


def _build_shards(out: str) -> None:
    from ratings.models import Release
    from ratings.releases import building

    release = Release.objects.unfinished().get(destination=out)
    print("ready", flush=True)
    sys.stdin.readline()
    for shard in release.shards.order_by("pk"):
        building.build_shard(shard=shard)
    print("done", flush=True)


def _timed(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def report(found: dict[str, Any]) -> None:
    print(f"{'step':<30}{'seconds':>10}{'rows/s':>12}{'ratio':>8}")
    for kind, plain, name in (
        ("ratings", "copy", "COPY, pyarrow.csv, Parquet"),
        ("pairs", "files", "reading files, Parquet"),
    ):
        if kind not in found:
            continue
        ours, reference = found[kind], found[plain]["seconds"]
        steps = {f"{kind}: {step}": ours[step] for step in ("plan", "build")}
        steps |= {f"{kind}: plan and build": ours["seconds"], name: reference}
        for step, took in steps.items():
            print(f"{step:<30}{took:>10.2f}{ours['rows'] / took:>12,.0f}{reference / took:>8.2f}")
    if "ratings" in found:
        most, tenth = found["ratings"], found["tenth"]
        print(f"peak memory {most['peak_mb']:.0f} MB, {most['peak_mb'] / tenth['peak_mb']:.2f} x that of a tenth")
        print(f"two processes build the shards {found['one'] / found['two']:.2f} x as fast as one")
    print(json.dumps({"benchmark": "datasets", **found}))


if __name__ == "__main__":
    main()
