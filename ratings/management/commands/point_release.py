"""``manage.py point_release RELEASE OUT``: a release again, without rows that may no longer be published."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Q

from lib.errors import Refused
from ratings.releases import building
from ratings.releases.models import Release
from ratings.releases.point_releases import plan_point_release


class Command(BaseCommand):
    help = "Builds the release that follows RELEASE into the folder OUT, and withdraws RELEASE."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("release", metavar="RELEASE", help="its id, name or folder")
        parser.add_argument("out", metavar="OUT", type=Path, nargs="?", help="a folder that is missing or empty")
        parser.add_argument("--store", action="store_true", help="build into the releases store instead of a folder")

    def handle(self, *args: Any, **options: Any) -> None:
        if (options["out"] is None) != options["store"]:
            raise CommandError("Give either a folder OUT or --store.")
        previous = self._find(options["release"])
        folder = None if options["store"] else options["out"].expanduser().resolve()
        try:
            release = plan_point_release(release=previous, destination=folder)
            building.build_release(release=release)
        except Refused as refusal:
            raise CommandError(refusal.message) from None
        except OSError as error:
            message = f"{error.strerror or error}. Continue with: build_release {folder} --resume"
            raise CommandError(message) from None
        deleted = release.tombstones.count()
        where = release.destination or f"the store, as {release.public_id}"
        self.stdout.write(self.style.SUCCESS(f"Built {release.name} at {where}; {deleted:,} rows were deleted."))
        if previous.destination:
            self.stdout.write(f"Replace {previous.destination}, or update it with apply_tombstones.")

    def _find(self, name: str) -> Release:
        folder = str(Path(name).expanduser().resolve())
        known = Release.objects.filter(Q(public_id=name) | Q(name=name) | Q(destination=folder))
        release = known.exclude(published_at=None).order_by("-published_at", "-pk").first()
        if release is None:
            raise CommandError(f"There is no published release with the id, name or folder {name}.")
        return release
