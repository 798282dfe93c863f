"""The embedded services of the one-machine default: PostgreSQL and Valkey from their wheels, in ``var/``.

    with services(Path("var")) as environ: ...

``python -m config.local`` runs them in the foreground, for work on the site without the supervisor.
"""

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from config.local import postgres, valkey
from config.local.processes import Guarded, LocalServiceError, outside, write_private

__all__ = ["LocalServiceError", "Running", "remove_services", "services"]

FILE = "services.json"  # config/environment.py reads it where a variable is unset


class Running(dict[str, str]):
    """The variables that reach the services ({"DATABASE_URL": …, "REDIS_URL": …}), and the services."""

    parts: list[Guarded]

    def __init__(self) -> None:
        super().__init__()
        self.parts = []

    def stopped(self) -> Guarded | None:
        """A service that ended by itself, if one did."""
        return next((part for part in self.parts if not part.is_running()), None)


@contextlib.contextmanager
def _alone(var: Path) -> Iterator[None]:
    """One owner per folder; the lock goes with the process that holds it, however that ends."""
    with (var / "services.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise LocalServiceError(
                f"Salon is already running from {var} (process {lock.read().strip() or 'unknown'}); stop it first."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


@contextlib.contextmanager
def services(var: Path, *, durable: bool = True) -> Iterator[Running]:
    """Starts what no variable of the environment names, writes ``var/services.json``, stops it all at the end.

    Raises:
        LocalServiceError: one sentence about the part that did not start; the others are stopped again.
    """
    try:
        var.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LocalServiceError(f"The folder {var} cannot be made: {error.strerror}. Set VAR_DIR to another.") from None
    running = Running()
    with contextlib.ExitStack() as stack:
        stack.enter_context(_alone(var))
        for name, start in (("DATABASE_URL", postgres.start), ("REDIS_URL", valkey.start)):
            if os.environ.get(name):
                continue
            service, running[name] = start(var, durable=durable)
            stack.callback(service.stop)
            running.parts.append(service)
        file = var / FILE
        write_private(file, json.dumps(running))
        stack.callback(file.unlink, missing_ok=True)
        yield running


def remove_services(var: Path) -> None:
    """Removes the data of the embedded services.

    Raises:
        LocalServiceError: they are running.
    """
    if not var.exists():
        return
    with _alone(var):
        for folder in (var / "postgres", var / "valkey", var / "seaweed", outside(var)):
            shutil.rmtree(folder, ignore_errors=True)
        (var / FILE).unlink(missing_ok=True)
