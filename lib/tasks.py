"""Queueing background work: always after the commit, so that a worker finds the rows that it is about."""

from functools import partial
from typing import Any, ParamSpec, overload

from celery import Task, current_app
from django.db import transaction

P = ParamSpec("P")


@overload
def enqueue_on_commit(task: str, *args: Any, **kwargs: Any) -> None: ...
@overload
def enqueue_on_commit(task: Task[P, Any], *args: P.args, **kwargs: P.kwargs) -> None: ...
def enqueue_on_commit(task: Any, *args: Any, **kwargs: Any) -> None:
    """Queues a task when the transaction commits, at once outside of one; never after a rollback.

    Args:
        task: the task, or its name where the module of the task imports the caller.
    """
    if isinstance(task, str):
        transaction.on_commit(partial(current_app.send_task, task, args=args, kwargs=kwargs))
    else:
        transaction.on_commit(partial(task.delay, *args, **kwargs))
