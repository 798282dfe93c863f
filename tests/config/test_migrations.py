"""Expand and contract: code of the version before runs on the tables that a new migration leaves (docs/backups.md).

django-migration-linter reads the SQL. What had landed before the check is listed in tests/config/landed_migrations.txt,
which nothing is added to: what must be taken away goes through the two versions that the page describes.
"""

from collections.abc import Sequence

import pytest
from django.db import connection, models
from django.db.migrations import Migration, operations
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState
from django_migration_linter.sql_analyser.analyser import analyse_sql_statements, get_sql_analyser_class

from tests.services import ROOT

LAYERS = ("accounts", "moderation", "generation", "feed", "ratings")
LANDED = {tuple(line.split(".", 1)) for line in (ROOT / "tests/config/landed_migrations.txt").read_text().split()}
ANALYSER = get_sql_analyser_class("django.db.backends.postgresql")


def _errors(migration: Migration, before: ProjectState) -> list[str]:
    """What old code would stumble over, in the linter's words."""
    with connection.schema_editor(collect_sql=True, atomic=migration.atomic) as editor:
        migration.apply(before, editor, collect_sql=True)
    statements = [line for line in editor.collected_sql if not line.startswith("--")]
    errors, _ignored, _warnings = analyse_sql_statements(ANALYSER, statements)
    return [f"{migration.app_label}.{migration.name}: {error.code} {error.table} {error.column}" for error in errors]


@pytest.mark.django_db
def test_new_migrations_leave_what_the_version_before_needs() -> None:
    loader = MigrationLoader(connection)
    new = [key for key in loader.disk_migrations if key[0] in LAYERS and key not in LANDED]
    states = {key: loader.project_state(key, at_end=False) for key in new}
    assert [error for key in new for error in _errors(loader.disk_migrations[key], states[key])] == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("done", "code"),
    [
        ([operations.RemoveField("user", "is_simulated")], "DROP_COLUMN"),
        ([operations.RenameField("user", "is_simulated", "is_grown_up")], "RENAME_COLUMN"),
        ([operations.AlterModelTable("user", "members")], "RENAME_TABLE"),
        ([operations.AddField("user", "motto", models.CharField(max_length=9, default=""))], "NOT_NULL"),
        ([operations.AddField("user", "motto", models.CharField(max_length=9, default="", db_default=""))], ""),
        ([operations.AddField("user", "motto", models.CharField(max_length=9, null=True))], ""),
    ],
)
def test_the_check_knows_what_old_code_cannot_live_with(done: Sequence[operations.base.Operation], code: str) -> None:
    made: type[Migration] = type("Next", (Migration,), {"operations": list(done)})
    found = _errors(made("next", "accounts"), MigrationLoader(connection).project_state())
    assert {error.split()[1] for error in found} == ({code} if code else set())
