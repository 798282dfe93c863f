"""A copy of a long blocklist on this host's disk, arranged for look-ups: many times as fast as PostgreSQL's index.

The processes of a host map the same files, so the page cache holds them once: 3 GB for ten million hashes. PostgreSQL
stays the truth. What a copy finds is read there again; rows that are newer are compared there; and while there is no
copy, its own index answers (`salon_blocked_near`). Both are exact, by multi-index hashing (Norouzi et al. 2012).

Here, of two hashes that differ in at most 31 bits, at least one of 16 parts of 16 bits differs in at most one. Each
part has its own table of all hashes, sorted by that part, in which the 17 runs of equal keys are read that differ in at
most one bit. An entry holds 96 other bits of its hash beside the number of its row, so almost every hash that is far
away is left out without reading it from another place: what a look-up takes is the number of memory pages that it
visits.
"""

import fcntl
import mmap
import os
import shutil
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

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
PARTS, KEYS = 16, 2**16  # parts of a hash, and values of one
FLIPS = np.array([0, *(1 << bit for bit in range(16))])
HIGH, LOW = np.uint64(0xFFFFFFFF00000000), np.uint64(0x00000000FFFFFFFF)
FILES = ("ids", "words", "starts", "entries")

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
        self._ids, self._words, self._starts, self._entries = (
            np.load(folder / f"{name}.npy", mmap_mode="r").view(np.ndarray) for name in FILES
        )

    def near(self, hashes: Words) -> list[int]:
        """Ids of the hashes that are within 31 bits of any of `hashes` (n, 4)."""
        parts, others, candidates = _parts(hashes), _others(hashes), list[NDArray[np.uint64]]()
        for part, (starts, entries) in enumerate(zip(self._starts, self._entries, strict=True)):
            keys = parts[:, part, None] ^ FLIPS
            first, end = starts[keys].astype(np.int64), starts[keys + 1].astype(np.int64)
            runs = zip(first.ravel().tolist(), end.ravel().tolist(), strict=True)
            found = np.concatenate([entries[begins:ends] for begins, ends in runs])
            asked = np.repeat(others[:, part], (end - first).sum(axis=1), axis=0)
            apart = np.bitwise_count(found[:, 0] ^ asked[:, 0])
            apart += np.bitwise_count((found[:, 1] ^ asked[:, 1]) & HIGH)
            candidates.append(found[apart <= NEAR_PDQ_DISTANCE, 1] & LOW)
        rows = np.unique(np.concatenate(candidates))
        apart = np.bitwise_count(self._words[rows][:, None] ^ hashes).sum(axis=2, dtype=np.uint16).min(axis=1)
        return [int(number) for number in self._ids[rows[apart <= NEAR_PDQ_DISTANCE]]]

    def touch(self) -> None:
        """Maps every page into this process, and reads what is not in memory: else each look-up waits for hundreds."""
        for values in (self._ids, self._words, self._starts, self._entries):
            values.reshape(-1)[:: mmap.PAGESIZE // values.itemsize].sum()


def _parts(hashes: Words) -> NDArray[np.uint16]:
    """(n, 16): the parts of each hash."""
    return hashes.astype(">u8").view(">u2").astype(np.uint16).reshape(-1, PARTS)


def _others(hashes: Words) -> Words:
    """(n, 16, 2): what the entries of each part hold of these hashes (n, 4): 96 bits that are not in the part."""
    after = np.roll(hashes, -1, axis=1), np.roll(hashes, -2, axis=1) & HIGH
    return np.repeat(np.stack(after, axis=2), PARTS // 4, axis=1)


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
    count, keys = len(ids), _parts(words)
    starts = np.zeros((PARTS, KEYS + 1), np.uint32)
    entries = np.lib.format.open_memmap(folder / "entries.npy", "w+", np.uint64, (PARTS, count, 2))  # too many to hold
    for part in range(PARTS):
        np.cumsum(np.bincount(keys[:, part], minlength=KEYS), out=starts[part, 1:])
        rows = np.argsort(keys[:, part], kind="stable")
        word = part * 4 // PARTS
        entries[part, :, 0] = words[rows, (word + 1) % 4]
        entries[part, :, 1] = (words[rows, (word + 2) % 4] & HIGH) | rows.astype(np.uint64)
    entries.flush()
    for name, values in (("ids", ids), ("words", words), ("starts", starts)):
        np.save(folder / f"{name}.npy", values)
    for name in FILES:
        with (folder / f"{name}.npy").open("rb") as file:
            os.fsync(file.fileno())
    return count


def _read_rows(last: int) -> tuple[NDArray[np.int64], Words]:
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
