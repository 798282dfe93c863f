"""How often a member may do what; every service that members call asks here first."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal

from accounts.models import User
from lib.limits import check_rate

Action = Literal["publish", "like", "save", "comment", "collection", "reproduce", "profile", "people"]
_RATES: dict[Action, tuple[int, int]] = {  # uses, seconds
    "publish": (60, 3600),
    "like": (120, 60),
    "save": (120, 60),
    "comment": (20, 300),
    "collection": (60, 3600),
    "reproduce": (30, 3600),
    "people": (120, 600),
    "profile": (20, 3600),
}
_is_unlimited: ContextVar[bool] = ContextVar("feed_rates_unlimited", default=False)


def check_member_rate(member: User, action: Action) -> None:
    """Counts one use. Raises Refused (429)."""
    if _is_unlimited.get():
        return
    limit, seconds = _RATES[action]
    check_rate(key=f"feed:{action}:{member.pk}", limit=limit, seconds=seconds)


@contextmanager
def unlimited() -> Iterator[None]:
    """Within it nothing is counted: for simulated members, benchmarks and bulk actions that were counted as one."""
    token = _is_unlimited.set(True)
    try:
        yield
    finally:
        _is_unlimited.reset(token)
