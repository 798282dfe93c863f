"""Damaged uploads: real pictures of five kinds, mutated, through the decoder that every upload passes.

    python -m benchmarks.uploads [--quick] [--files N] [--whole N] [--seed N]

Each file must be opened or refused with a reason. Most are decoded by processes that open many, with the limits of the
process that opens one upload; `--whole` of each kind come through `lib.images.open_picture` as an upload does. Printed:
how many of each kind were opened or refused (by code), what raised anything else, which processes were ended by a
limit or a crash, and the largest memory of any process.
"""

import argparse
import io
import os
import random
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.support.settings")

from lib.decoding import containers, decoder  # noqa: E402
from tests.lib.strange_pictures import KINDS, mutations  # noqa: E402

AT_ONCE = 2
FILES, WHOLE, BATCH = 20_000, 100, 250


def files_of(kind: str, seed: str, count: int) -> Iterator[bytes]:
    return islice(mutations(kind, random.Random(f"{seed} {kind}")), count)


def decode_batch(kind: str, seed: str, count: int) -> None:
    """In a process of its own: decodes and prints one outcome a line."""
    files = list(files_of(kind, seed, count))
    decoder.bound_this_process(seconds=decoder.CPU_SECONDS * count)
    for data in files:
        taken = containers.kind_of(data) in {"PNG", "JPEG", "WebP", "AVIF"}
        started = time.process_time()
        answer = decoder.answer_for(data)[0] if taken else {"refused": "wrong_kind"}
        slow = " SLOW" if time.process_time() - started > decoder.CPU_SECONDS else ""
        print(answer.get("refused", "opened") + slow, flush=True)


def outcomes_of_batch(kind: str, seed: str, count: int) -> Counter[str]:
    command = [sys.executable, "-m", "benchmarks.uploads", "--batch", kind, seed, str(count)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=3600, check=False)
    outcomes = Counter(done.stdout.splitlines())
    if done.returncode != 0:
        outcomes[f"CRASH of the process ({done.returncode}) at file {outcomes.total()} of {seed}"] += 1
    return outcomes


def outcome_of_upload(data: bytes) -> str:
    from django.core.files.base import File

    from lib.errors import Refused
    from lib.images import open_picture

    try:
        open_picture(File(io.BytesIO(data), "upload"))
    except Refused as refused:
        return refused.code
    except Exception as error:  # noqa: BLE001  # this is what the run looks for
        return f"CRASH {type(error).__name__}: {error}"
    return "opened"


def report(kind: str, how: str, counts: Counter[str]) -> int:
    print(f"{kind:5} {how:8}", "  ".join(f"{outcome} {count}" for outcome, count in counts.most_common()), flush=True)
    return sum(count for outcome, count in counts.items() if "CRASH" in outcome or "SLOW" in outcome)


def run(files: int, whole: int, seed: int) -> int:
    import django
    import structlog.testing

    django.setup()
    started, wrong, total = time.monotonic(), 0, 0
    with structlog.testing.capture_logs() as logs, ThreadPoolExecutor(AT_ONCE) as pool:
        for kind in KINDS:
            jobs = range(max(1, files // len(KINDS) // BATCH))
            each = min(BATCH, files // len(KINDS))
            batches = [pool.submit(outcomes_of_batch, kind, f"{seed}.{job}", each) for job in jobs]
            found = sum((batch.result() for batch in batches), Counter[str]())
            wrong += report(kind, "decoder", found)
            uploads = Counter(pool.map(outcome_of_upload, files_of(kind, str(seed), whole)))
            wrong += report(kind, "upload", uploads)
            total += found.total() + uploads.total()
    ended = Counter((entry["event"], entry["kind"], entry.get("status")) for entry in logs if "kind" in entry)
    memory = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) >> 10
    print(f"{total} files in {time.monotonic() - started:.0f} s; wrong: {wrong}; largest process: {memory} MiB")
    print("uploads ended by a limit or a crash of the decoder:", dict(ended) or "none")
    return 1 if wrong or memory > 1024 else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="250 files and 5 whole uploads of each kind")
    parser.add_argument("--files", type=int, default=FILES)
    parser.add_argument("--whole", type=int, default=WHOLE, help="uploads of each kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--batch", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.batch:
        kind, seed, count = options.batch
        decode_batch(kind, seed, int(count))
        return 0
    return run(1250 if options.quick else options.files, 5 if options.quick else options.whole, options.seed)


if __name__ == "__main__":
    sys.exit(main())
