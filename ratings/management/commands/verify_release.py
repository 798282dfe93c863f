"""``manage.py verify_release PATH``: checks the files of a release."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ratings.releases.publishing.verification import verify_release

MOST_PROBLEMS = 50  # printed


class Command(BaseCommand):
    help = "Checks hashes, schema, labels, splits, pseudonyms, card and Croissant of the release at PATH."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", metavar="PATH", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        report = verify_release(options["path"])
        for note in report.notes:
            self.stdout.write(note)
        for problem in report.problems[:MOST_PROBLEMS]:
            self.stderr.write(problem)
        if report.problems:
            raise CommandError(f"The release has {len(report.problems):,} problems.")
        self.stdout.write(self.style.SUCCESS(f"No problems found in {report.files:,} files and {report.rows:,} rows."))
