"""Named by a migration: the function it calls is `feed.collections.models.new_link_key`."""

from feed.collections.models import new_link_key

__all__ = ["new_link_key"]
