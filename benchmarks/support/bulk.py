"""Filling tables by COPY: foreign keys are not looked up, and indexes are built when everything is there."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg

if TYPE_CHECKING:
    from django.db.models import Model


def connect() -> "psycopg.Connection[Any]":
    """A connection of our own to the database of the settings."""
    from django.conf import settings

    data = settings.DATABASES["default"]
    return psycopg.connect(
        host=data["HOST"], port=data["PORT"], user=data["USER"], password=data["PASSWORD"], dbname=data["NAME"],
        autocommit=True,
    )  # fmt: skip


LOADING = "SET session_replication_role = replica; SET synchronous_commit = off"
BUILDING = "SET maintenance_work_mem = '3GB'; SET max_parallel_maintenance_workers = 2; SET synchronous_commit = off"


@contextmanager
def bulk(models: "list[type[Model]]") -> Iterator["psycopg.Cursor[Any]"]:
    """A cursor for filling the tables of `models`, whose indexes, but for those of constraints, are built at the end;
    then the tables are vacuumed, as a running site's are."""
    tables = [model._meta.db_table for model in models]
    with connect() as connection, connection.cursor() as cursor:
        cursor.execute(LOADING)
        cursor.execute(
            "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index"
            " WHERE indrelid = ANY(%s::regclass[]) AND NOT indisunique",
            [tables],
        )
        indexes = cursor.fetchall()
        for name, _definition in indexes:
            cursor.execute(f"DROP INDEX {name}".encode())
        yield cursor
        together([(BUILDING, definition) for _name, definition in indexes])
        together([("", f"VACUUM (ANALYZE, PARALLEL 0) {table}") for table in tables])
        cursor.execute("ANALYZE")
        cursor.execute("CHECKPOINT")  # now, and not while something is measured


def together(statements: list[tuple[str, str]]) -> None:
    """Runs (settings, statement) pairs, two at a time, each on a connection of its own."""

    def run(pair: tuple[str, str]) -> None:
        with connect() as connection:
            for sql in filter(None, pair):
                connection.execute(sql.encode())

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(run, statements))
