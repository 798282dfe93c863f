"""``manage.py schedule_challenges``: plan a challenge for each coming day that has none."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from feed.challenges.themes.calendar import DAYS_AHEAD, schedule_challenges
from lib.days import local_day


class Command(BaseCommand):
    help = "Plans a challenge from the theme bank for each coming day that has none."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=int, default=DAYS_AHEAD, help="how many days ahead (default: %(default)s)")

    def handle(self, *args: Any, **options: Any) -> None:
        added = schedule_challenges(today=local_day(timezone.now()), days=options["days"])
        self.stdout.write(f"{added} challenges added.")
