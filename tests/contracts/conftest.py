"""Fixtures of the feed that a program's walk needs."""

from tests.feed.conftest import publish

__all__ = ["publish"]
