"""How often and for how long tasks run. Loaded by workers, once the folder of their numbers is known."""

import time
from typing import Any

from celery import Task
from celery.signals import task_failure, task_postrun, task_prerun, worker_process_shutdown
from prometheus_client import Counter, Histogram

from config.observability.serving import forget_process

SECONDS = Histogram(
    "salon_task_seconds",
    "How long tasks ran",
    ["task"],
    buckets=(0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600),
)
FAILURES = Counter("salon_task_failures", "Tasks that ended with an error", ["task", "error"])
_started: dict[str, float] = {}


@task_prerun.connect
def _begin(task_id: str, **kwargs: Any) -> None:
    _started[task_id] = time.perf_counter()


@task_postrun.connect
def _end(task_id: str, task: "Task[Any, Any]", **kwargs: Any) -> None:
    started = _started.pop(task_id, None)
    if started is not None:
        SECONDS.labels(task.name).observe(time.perf_counter() - started)


@task_failure.connect
def _fail(sender: "Task[Any, Any]", exception: BaseException, **kwargs: Any) -> None:
    FAILURES.labels(sender.name, type(exception).__name__).inc()


@worker_process_shutdown.connect
def _forget(pid: int, **kwargs: Any) -> None:
    forget_process(pid)
