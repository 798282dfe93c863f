"""Celery tasks of styles."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from feed.styles import detection


@shared_task(name="feed.find_styles")
def find_styles() -> int:
    """Runs daily for the current week, and on Monday once more for the week that has ended."""
    at = timezone.now()
    return detection.find_styles(detection.monday(at - timedelta(days=1)), at=at)
