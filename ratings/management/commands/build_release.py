"""``manage.py build_release OUT``: a dataset release in a folder, planned and built in this process."""

from argparse import ArgumentParser
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from lib.content_levels import ContentLevel
from lib.errors import Refused
from ratings.models import Release
from ratings.releases import building
from ratings.releases import services as releases_services
from ratings.releases.engine.eligibility import ReleaseFilter
from ratings.releases.formats.registry import FORMATS, USUAL


class Command(BaseCommand):
    help = "Builds a dataset release into the folder OUT, which datasets.load_dataset(OUT) reads."

    def add_arguments(self, parser: ArgumentParser) -> None:
        levels = [level.name.lower() for level in ContentLevel]
        parser.add_argument("out", metavar="OUT", type=Path, help="a folder that is absent or empty")
        parser.add_argument(
            "--kinds",
            default=",".join(USUAL),
            help=f"comma-separated, of {', '.join(FORMATS)} (default: %(default)s)",
        )
        parser.add_argument("--level", choices=levels, default="general", help="highest content level (%(default)s)")
        parser.add_argument("--since", type=date.fromisoformat, metavar="YYYY-MM-DD", help="answers from this day on")
        parser.add_argument("--checkpoint", default="", metavar="SLUG", help="pictures of this checkpoint alone")
        parser.add_argument(
            "--min-margin", type=float, default=0.0, help="pairs whose |votes left - right| / votes is at least this"
        )
        parser.add_argument("--without-simulated", action="store_true", help="leave simulated members out")
        parser.add_argument("--resume", action="store_true", help="continue a build into OUT that was interrupted")
        parser.add_argument("--name", default="", help="name on the card (default: <site>-pickapic-<date>)")

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["out"].expanduser().resolve()
        try:
            release = self._unfinished(folder) if options["resume"] else self._planned(folder, options)
            self._build(release)
        except Refused as refusal:
            raise CommandError(refusal.message) from None
        except OSError as error:
            message = f"{error.strerror or error}. Nothing was put at {folder}; run it again with --resume."
            raise CommandError(message) from None
        self._tell(release)

    def _planned(self, folder: Path, options: dict[str, Any]) -> Release:
        chosen = ReleaseFilter(
            level=ContentLevel[options["level"].upper()],
            since=options["since"],
            checkpoint=options["checkpoint"],
            with_simulated=not options["without_simulated"],
            min_margin=options["min_margin"],
        )
        kinds = [kind.strip() for kind in options["kinds"].split(",") if kind.strip()]
        with tqdm(desc="Planning", unit=" rows", leave=False) as bar:
            return releases_services.plan_release(
                filter=chosen,
                kinds=kinds,
                name=options["name"],
                destination=folder,
                progress=lambda _kind, rows: bar.update(rows) and None,
            )

    def _unfinished(self, folder: Path) -> Release:
        release = Release.objects.unfinished().filter(destination=str(folder)).first()
        if release is None:
            raise CommandError(f"No build into {folder} was interrupted. Leave --resume out to begin one.")
        releases_services.freeze_plan(release=release)
        building.release_claims(release=release)
        building.check_built(release=release)
        return release

    def _build(self, release: Release) -> None:
        left = sum(release.shards.unbuilt().values_list("rows", flat=True))
        with tqdm(total=left, desc="Building", unit=" rows") as bar:
            building.build_release(release=release, progress=lambda _kind, rows: bar.update(rows) and None)

    def _tell(self, release: Release) -> None:
        release.refresh_from_db()
        for kind, splits in release.manifest["rows"].items():
            counts = ", ".join(f"{split} {rows:,}" for split, rows in splits.items())
            self.stdout.write(f"{kind}: {counts}")
        if "pickapic" not in Path(release.destination).name:
            self.stdout.write("Some public trainers look for “pickapic” in the folder's name.")
        self.stdout.write(self.style.SUCCESS(f"Built {release.destination}"))
        self.stdout.write(f"Read it with: datasets.load_dataset({release.destination!r})")
