"""``manage.py point_release RELEASE OUT``: a release again, without what may not leave any more."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Q

from lib.errors import Refused
from ratings.models import Release
from ratings.releases import building
from ratings.releases.point_releases import plan_point_release


class Command(BaseCommand):
    help = "Builds the release that follows RELEASE into the folder OUT, and withdraws RELEASE."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("release", metavar="RELEASE", help="its id, its name, or the folder that it was built into")
        parser.add_argument("out", metavar="OUT", type=Path, nargs="?", help="a folder that is absent or empty")
        parser.add_argument("--store", action="store_true", help="into the releases store instead of a folder")

    def handle(self, *args: Any, **options: Any) -> None:
        if (options["out"] is None) != options["store"]:
            raise CommandError("Say either a folder OUT or --store.")
        previous = self._found(options["release"])
        folder = None if options["store"] else options["out"].expanduser().resolve()
        try:
            release = plan_point_release(release=previous, destination=folder)
            building.build_release(release=release)
        except Refused as refusal:
            raise CommandError(refusal.message) from None
        except OSError as error:
            message = f"{error.strerror or error}. Continue with build_release {folder} --resume."
            raise CommandError(message) from None
        gone = release.tombstones.count()
        where = release.destination or f"the store, as {release.public_id}"
        self.stdout.write(self.style.SUCCESS(f"Built {release.name} at {where}; {gone:,} rows are gone."))
        if previous.destination:
            self.stdout.write(f"Replace {previous.destination}, or bring it up to date with apply_tombstones.")

    def _found(self, name: str) -> Release:
        folder = str(Path(name).expanduser().resolve())
        known = Release.objects.filter(Q(public_id=name) | Q(name=name) | Q(destination=folder))
        release = known.exclude(published_at=None).order_by("-published_at", "-pk").first()
        if release is None:
            raise CommandError(f"No published release is called {name}, and none was built into {folder}.")
        return release
