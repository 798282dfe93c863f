"""Authors whom a member is not shown, in the layers below as well (AUDIENCE in settings): blocks, both ways."""

from feed.members.queries import blocked_authors as hidden_authors

__all__ = ["hidden_authors"]
