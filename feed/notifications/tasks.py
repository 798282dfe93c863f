"""Celery tasks of notifications."""

from celery import shared_task
from django.utils import timezone

from feed.notifications import digests


@shared_task(name="feed.send_digests")
def send_digests() -> int:
    """Finds the members whose summary is due; one task each writes it, in any worker."""
    due = digests.due_members(at=timezone.now())
    for member_id in due:
        send_digest.delay(member_id)
    return len(due)


@shared_task(name="feed.send_digest")
def send_digest(member_id: int) -> bool:
    return digests.send_digest(member_id=member_id, at=timezone.now())
