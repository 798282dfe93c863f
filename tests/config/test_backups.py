"""A drill: the site is backed up, restored elsewhere, and is the same by counts and by digests."""

import hashlib
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from psycopg import sql

from accounts.models import User
from config.backups import archive
from config.backups.places import Place, place_of
from generation.media import storage
from tests import processes

AT = datetime(2026, 5, 1, 3, tzinfo=UTC)


@pytest.fixture
def elsewhere(transactional_db: None) -> Iterator[str]:
    """The address of an empty database."""
    data = connection.settings_dict
    server = f"postgresql://{data['USER']}:{data['PASSWORD']}@{data['HOST']}:{data['PORT']}"
    name = f"{data['NAME']}_elsewhere"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield f"{server}/{name}"
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def site(transactional_db: None, alice: User, bob: User, make_image: Any, media: Path) -> Path:
    """Two members, three pictures and a file with an awkward name; the folder of the files."""
    for _ in range(3):
        make_image(alice)
    storage.write("uploads/Grüße 1.bin", b"\0\1\2" * 1000)
    return media


def _digests(folder: Path) -> dict[str, str]:
    files = (file for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def _restore(place: str, database: str, var: Path, **more: str) -> "subprocess.CompletedProcess[str]":
    return processes.manage("restore", place, DATABASE_URL=database, VAR_DIR=str(var), **more)


def test_a_site_restored_elsewhere_is_the_same_by_counts_and_digests(
    site: Path, elsewhere: str, tmp_path: Path
) -> None:
    place = tmp_path / "backups"
    call_command("backup", str(place))
    done = _restore(str(place), elsewhere, tmp_path / "var")
    assert done.returncode == 0, done.stderr
    assert _digests(tmp_path / "var" / "media") == _digests(site)
    assert len(_digests(site)) > 3
    with psycopg.connect(elsewhere) as there:
        assert there.execute("SELECT count(*) FROM generation_image").fetchone() == (3,)
        assert there.execute("SELECT username FROM accounts_user ORDER BY 1").fetchall() == [("alice",), ("bob",)]
    again = _restore(str(place), elsewhere, tmp_path / "var")
    assert again.returncode == 1
    assert "has tables already" in again.stderr
    assert "Traceback" not in again.stderr


def test_a_backup_in_a_bucket_restores_as_well(
    site: Path, elsewhere: str, tmp_path: Path, s3_variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3_variables.items():
        monkeypatch.setenv(name, value)
    place = f"s3://{s3_variables['S3_BUCKET']}/backups"
    call_command("backup", place)
    monkeypatch.delenv("S3_BUCKET")  # the files of the other site are in a folder
    done = _restore(place, elsewhere, tmp_path / "var")
    assert done.returncode == 0, done.stderr
    assert _digests(tmp_path / "var" / "media") == _digests(site)


def test_a_damaged_backup_restores_nothing(site: Path, elsewhere: str, tmp_path: Path) -> None:
    place = tmp_path / "backups"
    name = archive.create(place_of(str(place)), AT)
    file = place / name / "media.tar"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    done = _restore(str(place), elsewhere, tmp_path / "var")
    assert done.returncode == 1
    assert "media.tar is damaged" in done.stderr
    with psycopg.connect(elsewhere) as there:
        assert there.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)
    assert not (tmp_path / "var" / "media").exists()


def test_a_site_with_another_release_secret_takes_no_backup_in(site: Path, elsewhere: str, tmp_path: Path) -> None:
    place = tmp_path / "backups"
    call_command("backup", str(place))
    done = _restore(str(place), elsewhere, tmp_path / "var", RELEASE_SECRET="another " * 8)
    assert done.returncode == 1
    assert "RELEASE_SECRET is not the one of this backup" in done.stderr


def test_secrets_are_named_and_never_written(site: Path, tmp_path: Path, settings: Any) -> None:
    place = tmp_path / "backups"
    call_command("backup", str(place))
    manifest = next(place.glob("*/manifest.json")).read_text()
    assert "RELEASE_SECRET" in manifest
    assert settings.RELEASE_SECRET not in manifest
    assert next(place.glob("*/database.dump")).stat().st_mode & 0o077 == 0


def test_the_newest_backups_stay_and_what_was_broken_off_goes(site: Path, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    place: Place = place_of(str(folder))
    names = [archive.create(place, AT + timedelta(days=day)) for day in range(3)]
    for other in ("20260501T010000Z", "20260503T025959Z", "holiday"):  # broken off, being written, somebody else's
        (folder / other).mkdir()
        (folder / other / "database.dump").write_bytes(b"half")
    removed = archive.remove_old(place, keep=2, at=AT + timedelta(days=2))
    assert removed == sorted([names[0], "20260501T010000Z"])
    assert archive.complete(place) == names[1:]
    assert (folder / "holiday").exists()


def test_a_place_that_is_no_place_is_refused() -> None:
    with pytest.raises(CommandError, match="neither a folder nor s3"):
        place_of("ftp://example/backups")
