"""A rung that cannot forget."""

from typing import Any

from accounts.models import User

COVERED: frozenset[str] = frozenset()


def export(user: User) -> dict[str, Any]:
    return {}


def erase(user: User) -> None:
    raise RuntimeError("this rung is broken")
