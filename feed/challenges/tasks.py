"""Celery tasks of challenges."""

from celery import shared_task
from django.utils import timezone

from feed.challenges import services
from lib.days import local_day


@shared_task(name="feed.schedule_challenges")
def schedule_challenges() -> int:
    return services.schedule_challenges(today=local_day(timezone.now()))
