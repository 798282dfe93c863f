"""Real services that can be killed, frozen and started again, and the site's own processes on them."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from signal import SIGKILL
from urllib.parse import urlsplit

import psutil

from benchmarks.support.place import ROOT
from config.local import postgres, seaweed, valkey
from config.local.processes import Guarded, guard, until_ready
from tests.proxy import Proxy


class Service:
    """A guarded process; it starts again with the command, the port and the data that it had."""

    def __init__(self, guarded: Guarded, is_ready: Callable[[], bool] = lambda: True) -> None:
        self.guarded, self._is_ready = guarded, is_ready

    @property
    def process(self) -> psutil.Process:
        """The service below its guard."""
        return psutil.Process(self.guarded.process.pid).children()[0]

    def send(self, number: int) -> None:
        self.process.send_signal(number)

    def end(self, number: int = SIGKILL) -> None:
        """Sends a signal to it and, for SIGKILL, to all below it; returns when it is gone."""
        family = [self.process, *self.process.children(recursive=True)] if number == SIGKILL else [self.process]
        for each in family:
            each.send_signal(number)
        self.guarded.process.wait(timeout=60)

    def start(self) -> None:
        command, log = self.guarded.process.args, self.guarded.log
        assert isinstance(command, list)
        with log.open("ab") as stream:
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=stream, stderr=subprocess.STDOUT, env=dict(os.environ),
                cwd=ROOT, start_new_session=True,
            )  # fmt: skip
        self.guarded = Guarded(self.guarded.name, process, log)
        until_ready(self.guarded, self._is_ready)

    def start_if_ended(self) -> bool:
        if self.guarded.is_running():
            return False
        self.start()
        return True


def _is_ready(log: Path) -> bool:
    return log.exists() and " ready." in log.read_text(errors="replace")


class Chaos:
    """PostgreSQL, Valkey, SeaweedFS behind a proxy, two GPU workers, a worker for checks, and beat."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        database, os.environ["DATABASE_URL"] = postgres.start(folder, durable=False)
        self.database = Service(database, lambda: postgres._answers(os.environ["DATABASE_URL"]))
        broker, os.environ["REDIS_URL"] = valkey.start(folder, durable=False)
        self.broker = Service(broker, lambda: valkey._answers(os.environ["REDIS_URL"]))
        self._store, variables = seaweed.start(folder)
        port = urlsplit(variables["S3_ENDPOINT_URL"]).port
        assert port is not None
        self.store = Proxy(port)
        os.environ.update(variables | {"S3_ENDPOINT_URL": f"http://127.0.0.1:{self.store.port}"})
        self.workers: dict[str, Service] = {}

    def start_workers(self) -> None:
        for name, queues in (("gpu-1", "gpu.default"), ("gpu-2", "gpu.default"), ("checks", "moderation,default")):
            options = [
                "-l",
                "INFO",
                "-P",
                "prefork",
                "-c",
                "1",
                "-n",
                f"{name}@chaos",
                "--without-gossip",
                "--without-mingle",
            ]
            self.workers[name] = self._celery(name, "worker", "-Q", queues, *options)
        for name, worker in self.workers.items():
            log = self.folder / "log" / f"{name}.log"
            until_ready(worker.guarded, partial(_is_ready, log), seconds=600)
        self.workers["beat"] = self._celery("beat", "beat", "-s", str(self.folder / "beat"), "--pidfile=")

    def _celery(self, name: str, *command: str) -> Service:
        arguments = [sys.executable, "-m", "celery", "-A", "config", *command]
        log = self.folder / "log" / f"{name}.log"
        return Service(guard(name, arguments, log=log, cwd=ROOT, environ=dict(os.environ)))

    def look_after(self) -> list[str]:
        """Starts workers that ended again, as a supervisor does; returns their names."""
        return [name for name, worker in self.workers.items() if worker.start_if_ended()]

    def stop(self) -> None:
        self.store.set("pass")
        for service in [*self.workers.values(), self.database, self.broker]:
            service.guarded.ask_to_stop()
        for service in [*self.workers.values(), self.database, self.broker]:
            service.guarded.stop()
        self._store.stop()
        self.store.__exit__()


@contextmanager
def chaos(folder: Path) -> Iterator[Chaos]:
    site = Chaos(folder)
    try:
        yield site
    finally:
        site.stop()
