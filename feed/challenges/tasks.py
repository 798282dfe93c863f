"""Celery tasks of challenges."""

from celery import shared_task
from django.utils import timezone

from feed.challenges import results, share_cards
from feed.challenges.themes import calendar
from lib.days import local_day


@shared_task(name="feed.schedule_challenges")
def schedule_challenges() -> int:
    return calendar.schedule_challenges(today=local_day(timezone.now()))


@shared_task(name="feed.mark_challenge_posts")
def mark_challenge_posts(challenge_id: int) -> None:
    results.mark_posts(challenge_id=challenge_id)


@shared_task(name="feed.draw_challenge_card")
def draw_challenge_card(challenge_id: int) -> None:
    share_cards.draw_card(challenge_id=challenge_id, at=timezone.now())
