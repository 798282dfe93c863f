"""``manage.py verify_release PATH``: does a release keep what it promises?"""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ratings.releases.publishing.verification import verify_release

MOST = 50  # problems that are told


class Command(BaseCommand):
    help = "Checks hashes, schema, labels, splits, identity, card and Croissant of the release at PATH."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", metavar="PATH", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        checked = verify_release(options["path"])
        for note in checked.notes:
            self.stdout.write(note)
        for problem in checked.problems[:MOST]:
            self.stderr.write(problem)
        if checked.problems:
            raise CommandError(f"{len(checked.problems):,} problems.")
        self.stdout.write(self.style.SUCCESS(f"{checked.files:,} files and {checked.rows:,} rows are as promised."))
