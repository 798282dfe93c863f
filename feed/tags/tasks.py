"""Celery tasks of tags."""

from celery import shared_task

from feed.tags import services


@shared_task(name="feed.count_tags")
def count_tags() -> int:
    return services.count_tags()
