"""Whose things a member is not shown, on the rungs below as well (see AUDIENCE in settings): blocks, both ways."""

from feed.members.queries import blocked_authors as hidden_authors

__all__ = ["hidden_authors"]
