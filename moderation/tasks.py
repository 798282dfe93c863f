from celery import shared_task

from moderation.cases import services as case_services
from moderation.restrictions import services as restriction_services


@shared_task(name="moderation.release_claims")
def release_claims() -> None:
    """Cases whose moderator went away return to the queue, and bans that ran out end."""
    case_services.release_expired_claims()
    restriction_services.end_expired_restrictions()
