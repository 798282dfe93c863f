"""``manage.py simulate_community``: members, pictures, likes, answers and reports of a small site."""

from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

from accounts.models import User
from feed.styles.detection import find_styles, monday
from lib.errors import Refused
from ratings.releases.engine.eligibility import ReleaseFilter
from ratings.releases.formats.registry import USUAL
from ratings.releases.models import Release
from ratings.releases.services import start_release
from ratings.simulation.community import Sizes, simulate

IMAGES_PER_MEMBER = 6
GUESTS = ("member", "creator")  # accounts of the demo
MODERATOR, RESEARCHER = "moderator", "researcher"


class Command(BaseCommand):
    help = "Simulates a community through the real services. The same arguments continue where it stopped."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--members", type=int, default=12, help="how many people (%(default)s)")
        parser.add_argument("--days", type=int, default=3, help="over how many past days (%(default)s)")
        parser.add_argument(
            "--seed", type=int, default=1, help="other seeds give other prompts and preferences (%(default)s)"
        )
        parser.add_argument("--images", type=int, help=f"how many pictures ({IMAGES_PER_MEMBER} a member)")
        parser.add_argument("--checkpoint", default="", help="which one generates (the starter, else the first)")
        parser.add_argument("--demo", action="store_true", help="the demo's accounts join in; demo mode only")
        parser.add_argument("--inline", action="store_true", help="generate in this process instead of by workers")

    def handle(self, *args: Any, **options: Any) -> None:
        members, days = options["members"], options["days"]
        if members < 2 or days < 1:
            raise CommandError("A community has at least 2 members and lasts at least 1 day.")
        guests, moderator = self._guests() if options["demo"] else ([], None)
        images = options["images"] or members * IMAGES_PER_MEMBER
        try:
            simulation = simulate(
                sizes=Sizes(members=members, days=days, seed=options["seed"], images=images),
                at=timezone.now(),
                bar=_bar,
                inline=options["inline"],
                checkpoint=options["checkpoint"],
                guests=guests,
                moderator=moderator,
                has_benchmark=options["demo"],
            )
            if moderator:
                self._publish_findings()
        except Refused as refusal:
            raise CommandError(refusal.message) from None
        self.stdout.write(self.style.SUCCESS(f"Simulated a community of {len(simulation.members)} members."))

    def _publish_findings(self) -> None:
        """The styles that emerged, and a release that the workers build by themselves."""
        at = timezone.now()
        find_styles(monday(at), at=at)
        researcher = User.objects.filter(username=RESEARCHER).first()
        if researcher and not Release.objects.exists():
            start_release(filter=ReleaseFilter(), kinds=USUAL, created_by=researcher, name="demo-week")

    def _guests(self) -> tuple[list[User], User]:
        if not settings.DEMO:
            raise CommandError("--demo is for demo mode (DEMO=yes): run `make demo`.")
        accounts = {user.username: user for user in User.objects.filter(username__in=[*GUESTS, MODERATOR])}
        if len(accounts) < len(GUESTS) + 1:
            raise CommandError("The demo accounts are missing: `make demo` makes them.")
        return [accounts[name] for name in GUESTS], accounts[MODERATOR]


@contextmanager
def _bar(title: str, total: int) -> Iterator[Callable[[int], None]]:
    with tqdm(total=total, desc=title) as bar:

        def advance(more: int) -> None:
            bar.update(more)

        yield advance
