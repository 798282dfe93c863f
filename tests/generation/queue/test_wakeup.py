"""Waking workers: one message, however often it is asked for, until a worker is awake."""

from typing import Any

import pytest
from celery import current_app

from generation.queue.wakeup import clear_wakeup, wake_workers


def test_waking_a_pool_again_sends_no_second_message_before_a_worker_is_awake(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[str, Any]] = []
    monkeypatch.setattr(current_app, "send_task", lambda name, **options: sent.append((name, options["queue"])))
    for pool in ("default", "default", "large"):
        wake_workers(pool)
    assert sent == [("generation.drain", "gpu.default"), ("generation.drain", "gpu.large")]
    clear_wakeup("default")
    wake_workers("default")
    assert sent[2:] == [("generation.drain", "gpu.default")]
