"""Celery tasks that concern the whole feed; the other tasks lie beside their services."""

from celery import shared_task
from django.utils import timezone

from feed import effects


@shared_task(name="feed.follow_restrictions")
def follow_restrictions() -> int:
    return effects.follow_restrictions(at=timezone.now())
