"""Background work is queued after the commit, and never after a rollback."""

from typing import Any

import pytest
from celery import current_app
from django.db import transaction

from lib.tasks import enqueue_on_commit


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """(name, arguments, named arguments) of what would go to the broker."""
    messages: list[Any] = []
    monkeypatch.setattr(current_app, "send_task", lambda name, args, kwargs: messages.append((name, args, kwargs)))
    return messages


@pytest.mark.django_db(transaction=True)
def test_a_task_waits_for_the_commit(sent: list[Any]) -> None:
    with transaction.atomic():
        enqueue_on_commit("lib.example", 1, deep=True)
        assert sent == []
    assert sent == [("lib.example", (1,), {"deep": True})]


@pytest.mark.django_db(transaction=True)
def test_a_rollback_queues_nothing(sent: list[Any]) -> None:
    with transaction.atomic():
        enqueue_on_commit("lib.example", 1)
        transaction.set_rollback(True)
    assert sent == []
