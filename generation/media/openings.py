"""Which pictures a member has opened lately: only about those may a question be drawn.

Kept in the cache, apart from the database: whoever loses the entry is not asked until they open the page again.
"""

from django.core.cache import cache

from accounts.models import User, Viewer

SECONDS = 3600


def remember_opening(viewer: Viewer, image_id: int) -> None:
    """Call where a picture's own page, or its description in the API, is given to somebody."""
    if isinstance(viewer, User):
        cache.set(_key(viewer, image_id), 1, SECONDS)


def has_opened(member: User, image_id: int) -> bool:
    """Whether the member opened the picture within the last hour."""
    return cache.get(_key(member, image_id)) is not None


def _key(member: User, image_id: int) -> str:
    return f"opened:{member.pk}:{image_id}"
