"""``python -m config.prepare``: everything a start of the site does before its processes, in one process.

Migrates, collects static files that changed, assembles and registers the starter checkpoint,
exports the sentence encoder that search uses, gives the coming days their challenges, and in demo mode makes the
demo's accounts. Each step is idempotent.
"""

import os
import sys
from pathlib import Path

import django
import psycopg
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import ProgrammingError

from config import availability, static_files
from config.local.demo_accounts import make_accounts

NOT_ALLOWED = (
    "The database's owner may not do what the migrations need ({error}). Let a superuser run in this database: "
    "CREATE EXTENSION IF NOT EXISTS for each of vector, citext, pg_trgm, unaccent, btree_gin. Then start this again."
)
REGISTERED = ".registered"  # in VAR_DIR: which assembled starter the database knows


def _say(words: str) -> None:
    print(words, flush=True)


def _starter(folder: Path) -> None:
    """Loading torch takes seconds, so only a starter that the database does not know yet is registered."""
    if not (folder / "model_index.json").exists():
        from starter.assemble import WEIGHTS, assemble

        if not WEIGHTS.exists():
            return
        _say("Assembling the starter checkpoint ...")
        assemble(folder, WEIGHTS)
    marker = settings.VAR_DIR / REGISTERED
    version = f"{settings.DATABASES['default']['NAME']} {(folder / 'model_index.json').stat().st_mtime_ns}"
    if not marker.exists() or marker.read_text() != version:
        call_command("register_checkpoint", "--starter")
        marker.write_text(version)


def _meaning(folder: Path) -> None:
    """Importing torch takes seconds, so only where the sentence encoder is missing is it exported."""
    if not (folder / "model.onnx").exists():
        from starter.meaning import export

        _say("Exporting the sentence encoder ...")
        export(folder)


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    if trouble := availability.database_trouble() or availability.valkey_trouble():
        print(trouble, file=sys.stderr)
        return 1
    try:
        _say("Bringing the database up to date ...")
        call_command("migrate", interactive=False, verbosity=0)
        _say("Collecting the static files, if they changed ...")
        static_files.collect_changed()
        _starter(settings.CHECKPOINTS_DIR / "starter")
        _meaning(settings.CHECKPOINTS_DIR / "meaning")
        call_command("index_search")
        call_command("schedule_challenges")
        if settings.DEMO:
            make_accounts()
    except CommandError as error:
        print(error, file=sys.stderr)
        return 1
    except ProgrammingError as error:
        if not isinstance(error.__cause__, psycopg.errors.InsufficientPrivilege):
            raise
        print(NOT_ALLOWED.format(error=str(error).strip().splitlines()[0]), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
