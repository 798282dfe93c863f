"""When a member last changed something that lists show, so that the next list they open is new enough to show it."""

from datetime import datetime

from django.core.cache import cache

from accounts.models import User, Viewer

REMEMBERED_SECONDS = 120


def remember_own_change(member: User, at: datetime) -> None:
    """Call after a member published, hid, muted or followed something."""
    cache.set(f"feed:news:{member.pk}", at, REMEMBERED_SECONDS)


def last_own_change(viewer: Viewer) -> datetime | None:
    """The latest change within two minutes, if there was one."""
    found: datetime | None = cache.get(f"feed:news:{viewer.pk}") if isinstance(viewer, User) else None
    return found
