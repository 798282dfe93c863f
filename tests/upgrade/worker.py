"""A present Celery worker, run until nothing is left of the messages of the previous version."""

import re
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from config.local.processes import guard, until_ready
from tests import processes
from tests.services import ROOT
from tests.upgrade.previous import MESSAGES, is_queue_empty

ENOUGH_SECONDS = 500.0  # a busy machine; half a minute on two free cores
QUIET = 4  # looks in a row: between leaving a queue and being logged as received, a message is nowhere for a moment
_EVENT = re.compile(r"Task [\w.]+\[([0-9a-f-]{36})\] (\w+)")


@dataclass(frozen=True)
class Worked:
    """What a worker left after it had taken every message: its log, its VAR_DIR and its database."""

    log: str
    folder: Path
    database: str
    delivered: list["Delivered"]  # webhooks


@dataclass(frozen=True)
class Delivered:
    """A request that a webhook's address received."""

    signature: str
    body: bytes


@contextmanager
def webhook_receiver() -> Iterator[tuple[str, list[Delivered]]]:
    """An HTTP server that accepts webhooks: its address, and what it has received so far."""
    received: list[Delivered] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append(Delivered(self.headers["Salon-Signature"], body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/hook", received
        server.shutdown()
        thread.join()


def outcomes_in(log: str) -> dict[str, list[str]]:
    """What a worker's log says of each task id, in order: "received", then "succeeded" or what else came of it."""
    found: dict[str, list[str]] = defaultdict(list)
    for task_id, event in _EVENT.findall(log):
        found[task_id].append(event)
    return found


def work_through(folder: Path, environ: dict[str, str]) -> str:
    """Runs a worker for all queues until they stay empty; returns its log.

    What tasks enqueue is worked through as well.
    """
    log = folder / "worker.log"
    command = [sys.executable, "-m", "celery", "-A", "config", "worker", "-n", "upgrade@%h", "-P", "prefork", "-c", "1"]
    command += ["-Q", ",".join(sorted(MESSAGES)), "--loglevel", "INFO", "--without-gossip", "--without-mingle"]
    quiet = 0

    def is_done() -> bool:
        nonlocal quiet
        is_idle = is_queue_empty() and all(len(events) > 1 for events in outcomes_in(log.read_text()).values())
        quiet = quiet + 1 if is_idle else 0
        return quiet == QUIET

    service = guard("The worker", command, log=log, environ=environ, cwd=ROOT)
    with processes.running(service):
        until_ready(service, is_done, seconds=ENOUGH_SECONDS)
    return log.read_text()
