"""The calendar of themes: filled 30 days ahead from the bank, and put in another order by staff."""

import json
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from feed.challenges.models import BRIEF, Challenge, ChallengeQuerySet, ThemeIdea
from lib.days import local_day
from lib.errors import NotFound, Refused

DAYS_AHEAD = 30
BANK = Path(__file__).parent / "themes.json"
IDEA_EVERY = 3  # days: how often an accepted idea of the bank is taken before a theme of the file


@cache
def theme_bank() -> list[dict[str, str]]:
    """``[{"theme", "hint"}, …]``: the themes that come with Salon. Staff add to them in the admin (`ThemeIdea`)."""
    bank: list[dict[str, str]] = json.loads(BANK.read_text(encoding="utf-8"))
    return bank


def schedule_challenges(*, today: date, days: int = DAYS_AHEAD) -> int:
    """Plans a challenge for each day from `today` on that has none, and returns how many it added. Idempotent.

    Themes of the file are taken in turn, so none repeats before all others were used; every third day an accepted
    idea comes first, if there is one that was never used. Two schedulers at once plan each day once.
    """
    bank = theme_bank()
    wanted = [today + timedelta(days=ahead) for ahead in range(days + 1)]
    taken = set(Challenge.objects.filter(day__in=wanted).values_list("day", flat=True))
    missing = [day for day in wanted if day not in taken]
    with transaction.atomic():
        ideas = list(ThemeIdea.objects.in_bank().unused()[: len(missing)]) if missing else []
        rows = []
        for day in missing:
            if ideas and day.toordinal() % IDEA_EVERY == 0:
                rows.append(_day_of_idea(day, ideas.pop(0)))
            else:
                rows.append(Challenge(day=day, **bank[day.toordinal() % len(bank)]))
        before = Challenge.objects.filter(day__in=missing).count()
        Challenge.objects.bulk_create(rows, ignore_conflicts=True)
        return Challenge.objects.filter(day__in=missing).count() - before


def _day_of_idea(day: date, idea: ThemeIdea) -> Challenge:
    return Challenge(day=day, idea=idea, **{name: getattr(idea, name) for name in BRIEF})


def swap_days(*, first: date, second: date, at: datetime) -> None:
    """Exchanges the themes of two days to come.

    Raises:
        Refused: 404 no challenge is planned for a day; 409 `begun` a day has begun: its theme is known.
    """
    with transaction.atomic():
        rows = {row.day: row for row in _locked(first, second)}
        if len(rows) != 2:
            raise NotFound(_("Choose two days with a planned challenge."))
        if min(rows) <= local_day(at):
            raise Refused("begun", _("This day has begun: its theme stays."), status=409)
        one, two = rows[first], rows[second]
        for name in (*BRIEF, "idea_id"):
            mine, theirs = getattr(one, name), getattr(two, name)
            setattr(one, name, theirs)
            setattr(two, name, mine)
        Challenge.objects.bulk_update([one, two], [name.removesuffix("_id") for name in (*BRIEF, "idea_id")])


def change_theme(*, day: date, at: datetime, **brief: Any) -> Challenge:
    """Gives a day other words or conditions, until somebody entered: `brief` holds columns of `Brief`.

    Raises:
        Refused: 404 no challenge that day; 409 `has_entries` somebody entered, or the day is over.
    """
    with transaction.atomic():
        row = _locked(day).first()
        if row is None:
            raise NotFound(_("There is no challenge on that day."))
        if row.day < local_day(at) or row.entries.exists():
            raise Refused("has_entries", _("Somebody has entered this challenge: its theme stays."), status=409)
        for name, value in brief.items():
            setattr(row, name, value)
        row.save(update_fields=list(brief))
    return row


def _locked(*days: date) -> ChallengeQuerySet:
    """The challenges of some days; entries and other changes of them wait until the transaction ends."""
    return Challenge.objects.select_for_update(no_key=True).filter(day__in=days).order_by("day")
