"""The embedded services: they start, they stop with their owner, and they come back after a crash."""

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import psutil
import psycopg
import pytest

from config.local import LocalServiceError, remove_services, services
from config.local.processes import ELSEWHERE, free_port, outside, private_folder, service_account
from tests.services import ROOT

OWNER = """
import sys, time
from pathlib import Path
from config.local import services
with services(Path(sys.argv[1]), durable=False) as running:
    print("up", flush=True)
    time.sleep(300)
"""


@pytest.fixture
def var(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name)
    folder = tmp_path_factory.mktemp("var")
    for parent in (folder, *folder.parents):
        if parent.name.startswith("pytest"):
            parent.chmod(0o711)
    return folder


def _children() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


def test_services_start_with_private_files_stop_completely_and_keep_their_data(var: Path) -> None:
    before = set(_children())
    with services(var, durable=False) as running:
        file = var / "services.json"
        assert json.loads(file.read_text()) == running
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        with psycopg.connect(running["DATABASE_URL"]) as connection:
            connection.execute("CREATE TABLE kept (word text)")
        with pytest.raises(LocalServiceError, match="already running"), services(var):
            pass
    assert set(_children()) <= before
    assert not file.exists()
    with services(var, durable=False) as running, psycopg.connect(running["DATABASE_URL"]) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)
    remove_services(var)
    assert not (var / "postgres").exists()


def test_services_start_in_a_folder_of_any_name(var: Path) -> None:
    folder = var / """Grüße d'été "2" \\ 50 %"""
    folder.mkdir(mode=0o711)
    with services(folder, durable=False) as running, psycopg.connect(running["DATABASE_URL"]):
        assert set(running) == {"DATABASE_URL", "REDIS_URL"}


def test_an_owner_killed_by_sigkill_leaves_nothing_running_and_the_next_start_succeeds(var: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", OWNER, str(var)], stdout=subprocess.PIPE, cwd=ROOT) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"up\n"
        family = psutil.Process(owner.pid).children(recursive=True)
        names = {process.name() for process in family}
        assert {"postgres", "valkey-server"} <= names
        owner.send_signal(signal.SIGKILL)
    _, alive = psutil.wait_procs(family, timeout=30)
    assert alive == []
    with services(var, durable=False) as running:
        psycopg.connect(running["DATABASE_URL"]).close()


def test_a_start_that_fails_says_why_in_one_sentence_and_stops_what_it_started(var: Path) -> None:
    before = set(_children())
    with services(var, durable=False):
        pass
    data = next(folder for folder in (var / "postgres", outside(var) / "postgres") if folder.exists()) / "data"
    (data / "PG_VERSION").write_text("9\n")
    with pytest.raises(LocalServiceError, match=r"PostgreSQL did not start: .+") as failure, services(var):
        pass
    assert "\n" not in str(failure.value)
    assert set(_children()) <= before


def test_a_part_that_the_environment_names_is_not_started(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://somebody@db.example/salon")
    with services(var, durable=False) as running:
        assert set(running) == {"REDIS_URL"}
        assert [part.name for part in running.parts] == ["Valkey"]


def test_a_taken_port_is_stepped_over() -> None:
    import socket

    first = free_port(21_000)
    with socket.create_server(("127.0.0.1", first)):
        assert free_port(first) > first


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the services as somebody else")
def test_root_keeps_data_out_of_a_home_that_the_services_account_cannot_reach(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    folder = private_folder(home / "var" / "postgres", service_account())
    assert folder.is_relative_to(ELSEWHERE)
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    folder.rmdir()
    folder.parent.rmdir()
