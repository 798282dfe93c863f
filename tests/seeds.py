"""The rows that migrations bring (questions, policies, rules, roles), put back after a test that empties the tables.

A test inside a transaction leaves nothing behind. One that commits (``transactional_db``) ends with every table
truncated, and the next test would find a site without its rules: then the copy made right after the migrations
is written back.
"""

from django.db import connection

SCHEMA = "seed"


def take() -> None:
    """Copies every table that has rows; call right after the migrations."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE; CREATE SCHEMA {SCHEMA}")
        for table in connection.introspection.table_names(cursor):
            if table == "django_migrations":
                continue
            cursor.execute(f'SELECT EXISTS (SELECT FROM "{table}")')  # noqa: S608 - our own tables' names
            if cursor.fetchone() == (True,):
                cursor.execute(f'CREATE TABLE {SCHEMA}."{table}" AS TABLE "{table}"')


def put_back() -> None:
    """Makes the copied tables what they were; all others are empty already."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [SCHEMA])
        tables = [name for (name,) in cursor.fetchall()]
        cursor.execute("SET session_replication_role = replica")  # neither triggers nor the order of foreign keys
        cursor.execute("TRUNCATE " + ", ".join(f'"{table}"' for table in tables) + " CASCADE")
        for table in tables:
            columns = ", ".join(f'"{name}"' for name in _writable(table))
            cursor.execute(f'INSERT INTO "{table}" ({columns}) SELECT {columns} FROM {SCHEMA}."{table}"')  # noqa: S608
        cursor.execute("SET session_replication_role = DEFAULT")


def _writable(table: str) -> list[str]:
    """Its columns but for the generated ones."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = %s"
            " AND is_generated = 'NEVER' ORDER BY ordinal_position",
            [table],
        )
        return [name for (name,) in cursor.fetchall()]
