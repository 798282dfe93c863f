"""What to say when PostgreSQL or Valkey is not there: one sentence at a start, 503 during a request."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import kombu.exceptions
import redis.exceptions
from django.conf import settings
from django.core.cache import cache
from django.db import InterfaceError, OperationalError, connection

# Psycopg's pool time-outs arrive as OperationalError. Deadlocks and cancelled statements do too: "try again" fits.
UNREACHABLE = (
    OperationalError,
    InterfaceError,
    redis.exceptions.ConnectionError,
    redis.exceptions.TimeoutError,
    kombu.exceptions.OperationalError,
)


def is_unreachable(error: BaseException | None) -> bool:
    """Whether `error`, or what it was raised from, says that the database, cache or broker is not there."""
    while error is not None:
        if isinstance(error, UNREACHABLE):
            return True
        error = error.__cause__
    return False


def database_trouble() -> str | None:
    """A sentence, or None when PostgreSQL answers."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (OperationalError, InterfaceError) as error:
        reason = str(error).strip().splitlines()[0]
        data = connection.settings_dict
        return (
            f"PostgreSQL is not reachable at {data['HOST']}:{data['PORT']} ({reason}). "
            "Start it, or the embedded one by `python -m config.local`, or set DATABASE_URL."
        )
    return None


def valkey_trouble() -> str | None:
    """A sentence, or None when Valkey answers."""
    try:
        cache.get("reachable")
    except redis.exceptions.RedisError as error:
        where = urlsplit(settings.REDIS_URL)
        return (
            f"Valkey is not reachable at {where.hostname}:{where.port} ({error}). "
            "Start it, or the embedded one by `python -m config.local`, or set REDIS_URL."
        )
    return None


def require_services() -> None:
    """Ends the process with one sentence and status 1 unless PostgreSQL and Valkey answer.

    `uvicorn --workers` imports the application inside an event loop, where Django touches no database: hence a thread.
    """
    with ThreadPoolExecutor(1) as outside:
        outside.submit(_require_services).result()


def _require_services() -> None:
    if trouble := database_trouble() or valkey_trouble():
        raise SystemExit(trouble)
    with contextlib.suppress(*UNREACHABLE):
        connection.close()  # a forked process must not inherit it
