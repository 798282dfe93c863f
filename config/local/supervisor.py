"""Salon's processes on one machine, under one owner: web, GPU worker, default worker, beat.

``python -m config.local.supervisor`` runs them until Ctrl-C, starting the embedded PostgreSQL and Valkey where
``DATABASE_URL`` or ``REDIS_URL`` is unset. A process that ends is started again, more and more slowly.
Each runs under config/local/guard.py, so that none outlives the supervisor however it ends.
"""

import os
import signal
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from config import environment
from config.local import LocalServiceError, Running, services
from config.local.processes import Guarded, guard, listen_on
from config.observability import serving

ROOT = Path(__file__).resolve().parent.parent.parent
FIRST_PORT = 8000
STEADY_SECONDS = 20  # a process that lived this long did start
MOST_FAILURES = 6  # in a row, of one process, before we give up
WORKER = ["celery", "-A", "config", "worker", "--loglevel", "INFO", "--without-gossip", "--without-mingle"]


class Stopped(Exception):
    """Somebody asked us to stop."""


@dataclass(frozen=True)
class Program:
    """One of Salon's processes: ``command`` is what follows ``python -m``."""

    name: str
    command: Sequence[str]
    environ: dict[str, str] = field(default_factory=dict)
    niceness: int = 0
    keep: Sequence[int] = ()  # file descriptors that it has as well


def programs(listener: socket.socket, pool: str, var: Path) -> list[Program]:
    """The processes of the site; the web server answers on `listener`, also after it was started again."""
    web = ["uvicorn", "config.asgi:application", "--fd", str(listener.fileno())]
    web += ["--log-level", "warning", "--no-proxy-headers", "--timeout-graceful-shutdown", "3"]
    gpu = [*WORKER, "-n", f"gpu.{pool}@%h", "-P", "prefork", "-c", "1", "-Q", f"gpu.{pool}", "--disable-prefetch"]
    default = [*WORKER, "-n", "default@%h", "-P", "prefork", "-c", "2", "-Q", "default,media,moderation,preview"]
    beat = ["celery", "-A", "config", "beat", "--loglevel", "WARNING", "-s", str(var / "beat-schedule"), "--pidfile="]
    found = [
        Program("web", web, {"DATABASE_POOL_SIZE": "16"}, keep=[listener.fileno()]),
        # Drawing takes every core it gets for seconds; pages must not wait for it.
        Program("gpu-worker", gpu, niceness=5),
        Program("worker", default, niceness=2),
        Program("beat", beat),
    ]
    first = serving.port()  # each serves its numbers on a port of its own
    return [
        replace(program, environ={**program.environ, "METRICS_PORT": str(first + number)}) if first else program
        for number, program in enumerate(found)
    ]


@dataclass
class _Post:
    """A program's place under the supervisor."""

    program: Program
    running: Guarded
    started: float
    failures: int = 0
    again_at: float | None = None


class Supervisor:
    """Starts programs, starts them again when they end, stops them all."""

    def __init__(self, environ: dict[str, str], logs: Path) -> None:
        self._environ, self._logs = environ, logs
        self._posts: list[_Post] = []
        self.asked_to_stop = threading.Event()

    def listen(self) -> None:
        """From now on SIGINT, SIGTERM and SIGHUP ask for an orderly stop."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: self.asked_to_stop.set())

    def pause(self, seconds: float) -> None:
        """Waits; raises Stopped as soon as somebody asks us to stop."""
        if self.asked_to_stop.wait(seconds):
            raise Stopped

    def start(self, program: Program) -> Guarded:
        command = ["nice", "-n", str(program.niceness)] if program.niceness else []
        return guard(
            program.name,
            [*command, sys.executable, "-m", *program.command],
            log=self._logs / f"{program.name}.log",
            environ={**self._environ, **program.environ},
            cwd=ROOT,
            keep=program.keep,
        )

    def add(self, program: Program) -> None:
        self._posts.append(_Post(program, self.start(program), time.monotonic()))

    def run_once(self, *command: str) -> None:
        """Runs ``python COMMAND`` to its end, its output on ours.

        Raises:
            LocalServiceError: it failed.
            Stopped: somebody asked us to stop; the command was stopped.
        """
        step = guard(command[-1], [sys.executable, *command], log=self._logs / "steps.log", environ=self._environ,
                     cwd=ROOT, output=sys.stdout.fileno())  # fmt: skip
        try:
            while step.is_running():
                self.pause(0.1)
        finally:
            step.stop()
        if step.process.returncode:
            raise LocalServiceError(f"`{' '.join(command)}` failed; its output is above.")

    def look_after(self) -> None:
        """Starts again what has ended.

        Raises:
            LocalServiceError: a program ends again and again as soon as it is started.
        """
        now = time.monotonic()
        for post in self._posts:
            if post.running.is_running():
                continue
            if post.again_at is None:
                post.failures = 0 if now - post.started > STEADY_SECONDS else post.failures + 1
                if post.failures >= MOST_FAILURES:
                    words = post.running.last_words()
                    raise LocalServiceError(f"{post.program.name} does not stay up: {words} (see {post.running.log})")
                post.again_at = now + min(2**post.failures, 30) - 1
            elif now >= post.again_at:
                print(f"Starting {post.program.name} again (it ended; see {post.running.log}).", flush=True)
                post.running, post.started, post.again_at = self.start(post.program), now, None

    def watch(self, embedded: Running) -> None:
        """Returns when somebody asks us to stop.

        Raises:
            LocalServiceError: an embedded service ended by itself.
        """
        while not self.asked_to_stop.wait(0.5):
            if part := embedded.stopped():
                raise LocalServiceError(f"{part.name} stopped by itself: {part.last_words()} (see {part.log})")
            self.look_after()

    def stop(self) -> None:
        """Asks all at once, then waits for each."""
        for post in self._posts:
            post.running.ask_to_stop()
        for post in self._posts:
            post.running.stop()


def answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=2).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def site_environ(embedded: Running, port: int, **more: str) -> dict[str, str]:
    """The environment of every process: this one's, what reaches the services, and the site's own address."""
    own = {"SITE_URL": os.environ.get("SITE_URL", f"http://127.0.0.1:{port}"), "PYTHONUNBUFFERED": "1"}
    own["TRANSFORMERS_VERBOSITY"] = "error"  # its advice on what else to install
    return {**os.environ, **embedded, **own, **more}


def main() -> int:
    var = environment.path("VAR_DIR", ROOT / "var")
    pool = environment.string("GPU_POOL", "default")
    try:
        with services(var) as embedded, listen_on(FIRST_PORT) as listener:
            port = listener.getsockname()[1]
            environ = site_environ(embedded, port)
            supervisor = Supervisor(environ, var / "log")
            supervisor.listen()
            try:
                supervisor.run_once("-m", "config.prepare")
                for program in programs(listener, pool, var):
                    supervisor.add(program)
                print(f"{environ['SITE_URL']} is served from 127.0.0.1:{port}; Ctrl-C stops it.", flush=True)
                supervisor.watch(embedded)
            finally:
                supervisor.stop()
    except Stopped:
        return 0
    except LocalServiceError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
