"""``manage.py build_release OUT``: plans and builds a dataset release into a folder, in this process."""

from argparse import ArgumentParser
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from lib.content_levels import ContentLevel
from lib.errors import Refused
from ratings.releases import building
from ratings.releases import services as releases_services
from ratings.releases.engine.eligibility import ReleaseFilter
from ratings.releases.formats.registry import FORMATS, USUAL
from ratings.releases.models import Release


class Command(BaseCommand):
    help = "Builds a dataset release into the folder OUT, which datasets.load_dataset(OUT) reads."

    def add_arguments(self, parser: ArgumentParser) -> None:
        levels = [level.name.lower() for level in ContentLevel]
        parser.add_argument("out", metavar="OUT", type=Path, help="a folder that is missing or empty")
        parser.add_argument(
            "--kinds",
            default=",".join(USUAL),
            help=f"comma-separated, of {', '.join(FORMATS)} (default: %(default)s)",
        )
        parser.add_argument("--level", choices=levels, default="general", help="highest content level (%(default)s)")
        parser.add_argument("--since", type=date.fromisoformat, metavar="YYYY-MM-DD", help="answers from this day on")
        parser.add_argument("--checkpoint", default="", metavar="SLUG", help="only pictures made by this checkpoint")
        parser.add_argument(
            "--min-margin",
            type=float,
            default=0.0,
            help="only pairs with |votes left - votes right| / votes of at least this",
        )
        parser.add_argument("--campaign", default="", metavar="SLUG", help="the answers of this campaign alone")
        parser.add_argument("--without-simulated", action="store_true", help="leave out simulated members")
        parser.add_argument("--resume", action="store_true", help="continue an interrupted build into OUT")
        parser.add_argument("--name", default="", help="name on the card (default: <site>-pickapic-<date>)")

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["out"].expanduser().resolve()
        try:
            release = self._find_unfinished(folder) if options["resume"] else self._plan(folder, options)
            self._build(release)
        except Refused as refusal:
            raise CommandError(refusal.message) from None
        except OSError as error:
            message = f"{error.strerror or error}. {folder} was not created. Run the command again with --resume."
            raise CommandError(message) from None
        self._print_result(release)

    def _plan(self, folder: Path, options: dict[str, Any]) -> Release:
        chosen = ReleaseFilter(
            level=ContentLevel[options["level"].upper()],
            since=options["since"],
            checkpoint=options["checkpoint"],
            with_simulated=not options["without_simulated"],
            min_margin=options["min_margin"],
            campaign=options["campaign"],
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

    def _find_unfinished(self, folder: Path) -> Release:
        release = Release.objects.unfinished().filter(destination=str(folder)).first()
        if release is None:
            raise CommandError(f"There is no unfinished build into {folder}. Leave out --resume to start one.")
        releases_services.write_plan(release=release)
        building.clear_claims(release=release)
        building.check_built(release=release)
        return release

    def _build(self, release: Release) -> None:
        remaining = sum(release.shards.unbuilt().values_list("rows", flat=True))
        with tqdm(total=remaining, desc="Building", unit=" rows") as bar:
            building.build_release(release=release, progress=lambda _kind, rows: bar.update(rows) and None)

    def _print_result(self, release: Release) -> None:
        release.refresh_from_db()
        for kind, splits in release.manifest["rows"].items():
            counts = ", ".join(f"{split} {rows:,}" for split, rows in splits.items())
            self.stdout.write(f"{kind}: {counts}")
        if "pickapic" not in Path(release.destination).name:
            self.stdout.write("Some public trainers look for “pickapic” in the name of the folder.")
        self.stdout.write(self.style.SUCCESS(f"Built {release.destination}"))
        self.stdout.write(f"Load it with: datasets.load_dataset({release.destination!r})")
