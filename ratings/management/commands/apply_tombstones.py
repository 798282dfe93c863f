"""``manage.py apply_tombstones PATH``: removes deleted rows from a copy of a release."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ratings.releases.publishing.tombstones import TOMBSTONES, CannotApplyError, apply_tombstones


class Command(BaseCommand):
    help = "Removes from the release at PATH the rows that the tombstones of its point release list."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", metavar="PATH", type=Path, help="the copy to update")
        parser.add_argument(
            "--tombstones", type=Path, help="tombstones.parquet of the point release (default: the one in PATH)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["path"]
        try:
            removed = apply_tombstones(folder, options["tombstones"] or folder / TOMBSTONES)
        except CannotApplyError as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(f"{error.strerror or error}. Run the command again.") from None
        self.stdout.write(
            f"Removed {removed.rows:,} rows from {removed.files:,} files, and {removed.pictures:,} pictures."
        )
