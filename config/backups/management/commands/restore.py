"""`manage.py restore PLACE`: restores a backup into an empty database and this site's stores."""

from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError

from config.backups import archive
from config.backups.places import place_of


class Command(BaseCommand):
    help = "Restores a backup into an empty database and compares what arrived."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("place", help="a folder, or s3://bucket/prefix")
        parser.add_argument("--backup", help="its name; without it the newest")

    def handle(self, *args: Any, **options: Any) -> None:
        place = place_of(options["place"])
        whole = archive.complete(place)
        if not whole:
            raise CommandError(f"There is no whole backup in {options['place']}.")
        name = options["backup"] or whole[-1]
        manifest = archive.restore(place, name)
        rows = sum(int(count) for count, _ in manifest["tables"].values())
        self.stdout.write(
            f"Restored {name}: {rows} rows of {len(manifest['tables'])} tables and {sum(manifest['files'].values())} "
            "files, all as they were. Now run `python -m config.prepare` and start the site."
        )
        if archive.fingerprints()["SECRET_KEY"] != manifest["secrets"]["SECRET_KEY"]:
            self.stdout.write("SECRET_KEY is another than then: sessions and links from before end.")
