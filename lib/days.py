"""Days as challenges cut them: in SITE_TIME_ZONE, whatever zone a visitor reads the site in. Pure."""

from datetime import date, datetime, time, timedelta

from django.utils import timezone


def local_day(at: datetime) -> date:
    """The site's calendar day at the moment `at`."""
    return at.astimezone(timezone.get_default_timezone()).date()


def day_bounds(day: date) -> tuple[datetime, datetime]:
    """First moment of a site day and of the next one: 23 to 25 hours apart where clocks change.

    For the first and last days of the calendar, those of the nearest day that has a moment before and after it in
    every zone.
    """
    zone = timezone.get_default_timezone()
    day = min(max(day, date.min + timedelta(days=2)), date.max - timedelta(days=2))
    return datetime.combine(day, time.min, zone), datetime.combine(day + timedelta(days=1), time.min, zone)
