from celery import shared_task

from moderation import services


@shared_task(name="moderation.release_claims")
def release_claims() -> None:
    """Cases whose moderator went away return to the queue, and bans that ran out end."""
    services.release_expired_claims()
    services.end_expired_restrictions()
