"""``manage.py apply_tombstones PATH``: what was deleted leaves a copy of a release that somebody holds."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ratings.releases.publishing.tombstones import NAME, CannotApplyError, apply_tombstones


class Command(BaseCommand):
    help = "Removes from the release at PATH what the tombstones of its point release name."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", metavar="PATH", type=Path, help="the copy to bring up to date")
        parser.add_argument(
            "--tombstones", type=Path, help="tombstones.parquet of the point release (default: the one in PATH)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["path"]
        try:
            done = apply_tombstones(folder, options["tombstones"] or folder / NAME)
        except CannotApplyError as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(f"{error.strerror or error}. Run it again: files are replaced whole.") from None
        self.stdout.write(f"Removed {done.rows:,} rows from {done.files:,} files, and {done.pictures:,} pictures.")
