"""SQL by hand, for the few statements that the ORM cannot say."""

from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper


def open_cursor(kind: Any) -> CursorWrapper:
    """A cursor of Django's connection, of a psycopg class that Django does not offer; use it by ``with``.

    It runs in the current transaction, and is counted and logged as Django's own cursors are.

    Args:
        kind: the class of the cursor, made with psycopg's connection alone.
    """
    connection.ensure_connection()
    bound: CursorWrapper = connection._prepare_cursor(kind(connection.connection))  # type: ignore[attr-defined]
    return bound
