"""The copy of a long blocklist on a host's disk: what it finds, and that no other list's copy is ever used."""

import threading
from pathlib import Path

import numpy as np
import pytest
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings

from lib.images import NEAR_PDQ_DISTANCE
from moderation.hashes import snapshots
from moderation.hashes.services import block_hash, find_nearest, lift_hash, to_words
from moderation.hashes.snapshots import Current, Snapshot, list_state, make_snapshot
from moderation.models import BlockedHash
from tests.moderation.hashes.test_blocklist import changed, fill, random_hash

ROWS = 2_000


@pytest.fixture
def disk(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host of its own, on which lists of a hundred rows are long."""
    settings.VAR_DIR = tmp_path
    monkeypatch.setattr(snapshots, "LARGE", 100)
    monkeypatch.setattr(snapshots, "LOOK_AGAIN", -1.0)
    monkeypatch.setattr(snapshots, "LOCK_SECONDS", 1)
    monkeypatch.setattr(snapshots, "current", Current())
    return tmp_path


@pytest.mark.django_db
def test_a_copy_finds_what_comparing_all_rows_finds(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(ROWS)
    monkeypatch.setattr(snapshots, "READ_AT_ONCE", 700)
    blocked = [random_hash() for _ in range(20)]
    rows = [block_hash(pdq=each) for each in blocked]
    assert make_snapshot()
    held = opened()
    assert held is not None
    everything = dict(BlockedHash.objects.values_list("pk", "pdq"))
    words = to_words([str(each) for each in everything.values()])
    for number in range(60):
        # one in four with all changes in a few parts
        within = range(256) if number % 4 else range(40, 100)
        asked = [changed(blocked[number % 20], number % 36, within), random_hash()]
        apart = np.bitwise_count(words[:, None] ^ to_words(asked)[None]).sum(axis=2).min(axis=1)
        near = {pk for pk, bits_apart in zip(everything, apart, strict=True) if bits_apart <= NEAR_PDQ_DISTANCE}
        assert set(held.near(to_words(asked))) == near
        found = find_nearest(asked)
        assert (found.apart if found else None) == (int(apart.min()) if near else None)
    lift_hash(row=rows[3])
    assert find_nearest([blocked[3]]) is None, "what was lifted since is in force no more"
    newer = block_hash(pdq=(fresh := random_hash()))
    assert find_nearest([random_hash(), changed(fresh, 31)]) == (newer.pk, 31), "what is newer is compared as well"


@pytest.mark.django_db
def test_a_hash_is_found_by_the_one_part_in_which_it_is_near(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """31 bits changed so that every part but one has more changes than are looked for in it."""
    fill(200)
    row = block_hash(pdq=(blocked := random_hash()))
    assert make_snapshot()
    held = opened()
    assert held is not None
    for alone in range(snapshots.PARTS):
        asked = blocked
        for part in range(snapshots.PARTS):
            asked = changed(asked, 1 if part == alone else 2, range(16 * part, 16 * part + 16))
        assert sum(a != b for a, b in zip(asked, blocked, strict=True)) == 31
        assert held.near(to_words([asked])) == [row.pk]


@pytest.mark.django_db
def test_a_long_list_of_which_nothing_is_in_force_finds_nothing(disk: Path) -> None:
    fill(200)
    BlockedHash.objects.update(lifted_at=timezone.now())
    assert make_snapshot()
    held = opened()
    assert held is not None
    assert held.near(to_words([random_hash()])) == []
    newer = block_hash(pdq=random_hash())
    assert find_nearest([str(newer.pdq)]) == (newer.pk, 0)


@pytest.mark.django_db
def test_a_copy_of_another_list_is_not_used(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(ROWS)
    assert make_snapshot()
    assert not make_snapshot(), "there is one"
    assert opened() is not None
    monkeypatch.setattr(snapshots, "LOOK_AGAIN", 60.0)
    with connection.cursor() as cursor:  # as a restored database has other rows under the same numbers
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("TRUNCATE moderation_blockedhash RESTART IDENTITY CASCADE")
    blocked = block_hash(pdq=random_hash())
    fill(ROWS + 50)
    assert find_nearest([str(blocked.pdq)]) == (blocked.pk, 0), "its number is one that the copy says it knows"
    assert opened() is None, "its thread waits for this test's transaction, in vain"
    assert make_snapshot()
    assert len([each for each in (disk / "blocklist").rglob("*") if each.name.isdigit()]) == 1, "older ones go"


@pytest.mark.django_db(transaction=True)
def test_a_long_list_gets_its_copy_by_itself_and_a_new_one_when_it_has_grown(
    disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "MOST_NEWER", 300)
    fill(200)
    assert find_nearest([random_hash()]) is None
    first = opened()
    assert first is not None
    fill(400)
    assert find_nearest([random_hash()]) is None
    second = opened()
    assert second is not None
    assert second.last > first.last


def opened() -> Snapshot | None:
    """The copy that look-ups use, once the thread is done that opens or makes it."""
    snapshots.current.is_of(None, list_state())
    for thread in threading.enumerate():
        if thread.name == "blocklist":
            thread.join(60)
    found = snapshots.current.opened()
    return found if snapshots.current.is_of(found, list_state()) else None
