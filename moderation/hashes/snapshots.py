"""A copy of a long blocklist on this host's disk, arranged for look-ups: many times as fast as PostgreSQL's index.

The processes of a host map the same files, so the page cache holds them once: 1.2 GB for ten million hashes. PostgreSQL
stays the truth. What a copy finds is read there again; rows that are newer are compared there; and while there is no
copy, its own index answers (`salon_blocked_near`). Both are exact, and by the same method: of two hashes that differ in
at most 31 bits, one of eleven parts differs in at most two (see migration 0006).
"""

import fcntl
import mmap
import os
import shutil
import tempfile
import threading
import time
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import structlog
from django.conf import settings
from django.db import connection, transaction
from numpy.typing import NDArray

from lib.images import NEAR_PDQ_DISTANCE

LARGE = 100_000  # rows; a shorter list needs no copy
MOST_NEWER = 5_000  # rows that are newer than a copy, and compared one by one; with more it is made anew
LOOK_AGAIN = 10.0  # seconds
READ_AT_ONCE = 20_000  # rows
LOCK_SECONDS = 5
PART_STARTS = (0, 23, 47, 70, 93, 117, 140, 163, 187, 210, 233)  # bits
PART_RADII = (2,) * 10 + (1,)
LONGEST_KEY, SHORTEST_KEY = 23, 8  # bits of a part that rows are found by; about log2 of the number of rows
FILES = ("ids", "words", "starts", "rows")

Words = NDArray[np.uint64]  # (n, 4): 256 bits, the first one highest
log = structlog.get_logger(__name__)


STATE_SQL = """
SELECT concat_ws('-', (SELECT system_identifier FROM pg_control_system()),
    (SELECT timeline_id FROM pg_control_checkpoint()),
    (SELECT oid FROM pg_database WHERE datname = current_database()),
    pg_relation_filenode('moderation_blockedhash')) AS identity,
  (SELECT coalesce(max(id), 0) FROM moderation_blockedhash) AS newest"""


@dataclass(frozen=True)
class ListState:
    """Which list it is, so that no copy of another one (restored, truncated) is taken for it; and its newest row."""

    identity: str
    newest: int


def list_state() -> ListState:
    """Reads it: one short query."""
    with connection.cursor() as cursor:
        cursor.execute(STATE_SQL)
        return ListState(*cursor.fetchone() or ("", 0))


class Snapshot:
    """The hashes that were in force when it was made, of all rows up to `last`."""

    def __init__(self, folder: Path) -> None:
        self.identity, self.last = folder.parent.name, int(folder.name)
        self._ids, self._words, self._starts, self._rows = (
            np.load(folder / f"{name}.npy", mmap_mode="r").view(np.ndarray) for name in FILES
        )
        buckets = self._starts.shape[1]
        self._bits = (buckets - 1).bit_length() - 1
        balls = [_ball(self._bits, radius) for radius in PART_RADII]
        self._masks = np.concatenate(balls)
        self._part = np.repeat(np.arange(len(balls)), [len(ball) for ball in balls])
        self._first_bucket, self._first_row = self._part * buckets, self._part * len(self._ids)

    def near(self, hashes: Words) -> list[int]:
        """Ids of the hashes that are within 31 bits of any of `hashes` (n, 4)."""
        own = np.stack([_keys(hashes, start, self._bits) for start in PART_STARTS], axis=1)
        buckets = (own[:, self._part] ^ self._masks) + self._first_bucket
        starts, rows = self._starts.reshape(-1), self._rows.reshape(-1)
        first = starts[buckets].astype(np.int64)
        lengths = (starts[buckets + 1] - first).ravel()
        total = int(lengths.sum())
        if not total:
            return []
        before = np.cumsum(lengths) - lengths
        found = rows[np.repeat((first + self._first_row).ravel() - before, lengths) + np.arange(total)]
        asked = hashes[np.repeat(np.arange(lengths.size) // len(self._part), lengths)]
        apart = np.bitwise_count(self._words[found] ^ asked).sum(axis=1)
        return [int(number) for number in np.unique(self._ids[found[apart <= NEAR_PDQ_DISTANCE]])]

    def touch(self) -> None:
        """Maps every page into this process, and reads what is not in memory: else each look-up waits for thousands."""
        for values in (self._ids, self._words, self._starts, self._rows):
            values.reshape(-1)[:: mmap.PAGESIZE // values.itemsize].sum()


def _ball(bits: int, radius: int) -> NDArray[np.int64]:
    """Every number of so many bits with at most `radius` of them set."""
    chosen = [bits_set for size in range(radius + 1) for bits_set in combinations(range(bits), size)]
    return np.array([sum(1 << bit for bit in each) for each in chosen], dtype=np.int64)


def _keys(hashes: Words, start: int, bits: int) -> NDArray[np.int64]:
    """The bits from `start` on, as numbers."""
    word, offset = divmod(start, 64)
    found = hashes[:, word] << np.uint64(offset)
    if offset + bits > 64:
        found = found | (hashes[:, word + 1] >> np.uint64(64 - offset))
    return (found >> np.uint64(64 - bits)).astype(np.int64)


class Current:
    """The copy that this process has open."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._identity = ""
        self._snapshot: Snapshot | None = None
        self._look_again_at = 0.0

    def opened(self) -> Snapshot | None:
        """The copy to look in; what it finds counts only if `is_of` says so of the list's state after that."""
        return self._snapshot

    def is_of(self, snapshot: Snapshot | None, state: ListState) -> bool:
        """Whether the copy holds all rows up to its last one.

        Where there is none, or an old one, a thread opens what another process of this host made, or makes one.
        """
        with self._lock:
            if state.identity != self._identity:
                self._identity, self._snapshot, self._look_again_at = state.identity, None, 0.0
            if self._is_old(self._snapshot, state) and time.monotonic() >= self._look_again_at:
                self._look_again_at = time.monotonic() + LOOK_AGAIN
                threading.Thread(target=self._renew, args=[state], name="blocklist", daemon=True).start()
        return snapshot is not None and snapshot.identity == state.identity and snapshot.last <= state.newest

    @staticmethod
    def _is_old(snapshot: Snapshot | None, state: ListState) -> bool:
        return state.newest >= LARGE and (snapshot is None or state.newest - snapshot.last > MOST_NEWER)

    def _renew(self, state: ListState) -> None:
        try:
            found = newest_snapshot(state.identity)
            if self._is_old(found, state) and make_snapshot():
                found = newest_snapshot(state.identity)
            if found is not None:
                found.touch()
            with self._lock:
                if self._identity == state.identity:
                    self._snapshot = found
        except Exception:
            log.exception("blocklist_snapshot_failed")
        finally:
            connection.close()


current = Current()


def _folder(identity: str) -> Path:
    return Path(settings.VAR_DIR) / "blocklist" / identity


def newest_snapshot(identity: str) -> Snapshot | None:
    """Opens it, if there is one."""
    folder = _folder(identity)
    numbers = [int(each.name) for each in folder.glob("[0-9]*")] if folder.exists() else []
    try:
        return Snapshot(folder / str(max(numbers))) if numbers else None
    except FileNotFoundError:  # deleted in this moment by a process that has made another one
        return None


def make_snapshot() -> bool:
    """Writes a new copy, unless there is one or another process of this host writes it; then older ones go."""
    root = Path(settings.VAR_DIR) / "blocklist"
    root.mkdir(parents=True, exist_ok=True)
    with (root / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        state = _settled_state()
        folder = _folder(state.identity)
        if (folder / str(state.newest)).exists():
            return False
        folder.mkdir(exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix="new-", dir=folder))
        started = time.monotonic()
        count = _write(fresh, state.newest)
        fresh.rename(folder / str(state.newest))
        for old in [each for each in (*root.iterdir(), *folder.iterdir()) if each.is_dir()]:
            if old != folder and old.name != str(state.newest):
                shutil.rmtree(old, ignore_errors=True)
        log.info("blocklist_snapshot", rows=count, seconds=round(time.monotonic() - started, 1))
    return True


@transaction.atomic
def _settled_state() -> ListState:
    """The list's state at a moment in which nobody writes to it: every row up to its newest is committed, or never
    will be. An INSERT has its lock before it draws a number."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
        cursor.execute("LOCK TABLE moderation_blockedhash IN SHARE MODE")
    return list_state()


def _write(folder: Path, last: int) -> int:
    """Writes the files; returns how many hashes they hold."""
    ids, words = _read_rows(last)
    count = len(ids)
    bits = min(LONGEST_KEY, max(SHORTEST_KEY, count.bit_length()))
    starts = np.zeros((len(PART_STARTS), 2**bits + 1), np.uint32)
    rows = np.empty((len(PART_STARTS), count), np.uint32)
    for part, start in enumerate(PART_STARTS):
        keys = _keys(words, start, bits)
        np.cumsum(np.bincount(keys, minlength=2**bits), out=starts[part, 1:])
        rows[part] = np.argsort(keys)
    arrays: tuple[NDArray[Any], ...] = (ids, words, starts, rows)
    for name, values in zip(FILES, arrays, strict=True):
        with (folder / f"{name}.npy").open("wb") as file:
            np.save(file, values)
            file.flush()
            os.fsync(file.fileno())
    return count


def _read_rows(last: int) -> tuple[NDArray[Any], Words]:
    """Ids and hashes of the rows in force up to `last`, read a range of ids at a time."""
    ids, hashes = list[bytes](), list[bytes]()
    with connection.cursor() as cursor:
        for start in range(0, last + 1, READ_AT_ONCE):
            cursor.execute(
                "SELECT string_agg(int8send(id), ''), string_agg(substring(bit_send(pdq) FROM 5), '')"
                " FROM moderation_blockedhash WHERE lifted_at IS NULL AND id BETWEEN %s AND %s",
                [start, min(last, start + READ_AT_ONCE - 1)],
            )
            some_ids, some_hashes = cursor.fetchone() or (None, None)
            ids.append(some_ids or b"")
            hashes.append(some_hashes or b"")
    return (
        np.frombuffer(b"".join(ids), ">i8").astype(np.int64),
        np.frombuffer(b"".join(hashes), ">u8").astype(np.uint64).reshape(-1, 4),
    )
