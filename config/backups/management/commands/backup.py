"""`manage.py backup PLACE`: writes a backup of the database and of all files, and removes old ones."""

from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError
from django.utils import timezone

from config.backups import archive
from config.backups.places import place_of


class Command(BaseCommand):
    help = "Writes a backup of the database and of all files. Keep SECRET_KEY and RELEASE_SECRET beside it yourself."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("place", help="a folder, or s3://bucket/prefix")
        parser.add_argument("--keep", type=int, default=7, help="how many backups stay (7)")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["keep"] < 1:
            raise CommandError("--keep must be at least 1: the backup that is made now stays.")
        place, at = place_of(options["place"]), timezone.now()
        name = archive.create(place, at)
        self.stdout.write(f"Wrote the backup {name}.")
        for removed in archive.remove_old(place, keep=options["keep"], at=at):
            self.stdout.write(f"Removed {removed}.")
