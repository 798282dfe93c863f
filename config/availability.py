"""What to say when PostgreSQL, Valkey or the store is not there: one sentence at a start, 503 during a request."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import botocore.exceptions
import kombu.exceptions
import redis.exceptions
from django.conf import settings
from django.core.cache import cache
from django.core.files.storage import default_storage
from django.db import InterfaceError, OperationalError, connection
from django.db.migrations.executor import MigrationExecutor

# Psycopg's pool time-outs arrive as OperationalError. Deadlocks and cancelled statements do too: "try again" fits.
UNREACHABLE = (
    OperationalError,
    InterfaceError,
    redis.exceptions.ConnectionError,
    redis.exceptions.TimeoutError,
    redis.exceptions.OutOfMemoryError,  # Valkey is full, and may evict nothing
    kombu.exceptions.OperationalError,
    botocore.exceptions.ConnectionError,  # the object store refuses connections
    botocore.exceptions.HTTPClientError,  # no answer in time, or one that breaks off
)


def is_unreachable(error: BaseException | None) -> bool:
    """Whether `error`, or what it was raised from, says that the database, cache, broker or store is not there."""
    while error is not None:
        if isinstance(error, UNREACHABLE) or _is_fault_of_the_store(error):
            return True
        error = error.__cause__
    return False


def _is_fault_of_the_store(error: BaseException) -> bool:
    """Whether the object store answered, and with an error of its own such as "slow down"."""
    if not isinstance(error, botocore.exceptions.ClientError):
        return False
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)) >= 500


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


def store_trouble() -> str | None:
    """A sentence, or None when the object store (or the folder of media) answers."""
    try:
        default_storage.exists("statusz")
    except (OSError, botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
        return f"The object store does not answer ({error}). Correct the S3_… variables, or start it."
    return None


def is_migrated() -> bool:
    """Whether every migration that this version knows is applied; asked of the database until it is, then never."""
    if not _migrated:
        try:
            executor = MigrationExecutor(connection)
            if not executor.migration_plan(executor.loader.graph.leaf_nodes()):
                _migrated.append(True)
        except UNREACHABLE:
            return False
    return bool(_migrated)


_migrated: list[bool] = []


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
