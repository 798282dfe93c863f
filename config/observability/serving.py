"""Prometheus' numbers on a port of their own, METRICS_PORT, for a group of processes: a web server, a worker, beat.

The processes of a group write into files of one folder (prometheus_client's multiprocess mode), and whichever of them
holds the port serves the sums.
"""

import multiprocessing
import os
import shutil
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from config import environment

if TYPE_CHECKING:
    from prometheus_client.registry import Collector

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
RETRY_SECONDS = 5.0  # until the process of the group that serves is gone


def port() -> int:
    """METRICS_PORT; 0 where numbers are not served."""
    return environment.integer("METRICS_PORT", 0, least=0)


def prepare() -> None:
    """Makes the folder of this group of processes.

    Raises:
        RuntimeError: prometheus_client has been imported before, and would count in this process alone.
    """
    if not port() or os.environ.get(FOLDER):
        return
    if "prometheus_client" in sys.modules:
        raise RuntimeError("prometheus_client was imported before the folder of its files was known")
    var = environment.path("VAR_DIR", Path(__file__).resolve().parents[2] / "var") / "metrics"
    _forget_ended(var)
    parent = multiprocessing.parent_process()  # uvicorn's, of several web processes
    folder = var / f"{port()}-{parent.pid if parent else os.getpid()}"
    folder.mkdir(parents=True, exist_ok=True)
    os.environ[FOLDER] = str(folder)


def _forget_ended(var: Path) -> None:
    for folder in var.glob("*-*"):
        if not psutil.pid_exists(int(folder.name.rpartition("-")[2])):
            shutil.rmtree(folder, ignore_errors=True)


def serve(*collectors: "Collector") -> None:
    """Serves the numbers of the group, and of `collectors`, from a thread; returns at once.

    Where another process of the group holds the port, it waits to take over.
    """
    if not port():
        return
    from prometheus_client import CollectorRegistry
    from prometheus_client.multiprocess import MultiProcessCollector

    registry = CollectorRegistry()
    if os.environ.get(FOLDER):
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    for collector in collectors:
        registry.register(collector)

    def listen() -> None:
        from prometheus_client import start_http_server

        while True:
            try:
                start_http_server(port(), registry=registry)
            except OSError:
                threading.Event().wait(RETRY_SECONDS)
            else:
                return

    threading.Thread(target=listen, name="metrics", daemon=True).start()


def forget_process(pid: int) -> None:
    """A process of the group has ended: its gauges end, its counts stay."""
    if os.environ.get(FOLDER):
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(pid)  # type: ignore[no-untyped-call]


def forget_ended_processes() -> None:
    """The same for processes that ended without a word; any of the group may call it."""
    folder = os.environ.get(FOLDER)
    for file in Path(folder).glob("gauge_live*_*.db") if folder else ():
        pid = int(file.stem.rpartition("_")[2])
        if not psutil.pid_exists(pid):
            forget_process(pid)
