"""An app that cannot erase."""

from typing import Any

from accounts.models import User

COVERED: frozenset[str] = frozenset()


def export(user: User) -> dict[str, Any]:
    return {}


def erase(user: User) -> None:
    raise RuntimeError("this app is broken")
