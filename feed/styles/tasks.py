"""What the search for styles does beside the site; `feed.tasks` makes Celery know it."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone


@shared_task(name="feed.find_styles")
def find_styles() -> int:
    """Daily, for the running week; on Monday once more for the week that is over."""
    from feed.styles import detection  # numpy and what it brings, in a worker only

    at = timezone.now()
    return detection.find_styles(detection.monday(at - timedelta(days=1)), at=at)
