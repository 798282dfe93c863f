"""What runs beside the site; config.settings says how often."""

from dataclasses import asdict

from celery import shared_task
from django.utils import timezone

from feed import effects
from feed.challenges import services as challenges_services
from feed.notifications import digests
from feed.ranking import counters, impressions, precomputed
from feed.search.tasks import read_pending_posts, read_posts, relearn_words
from feed.styles.tasks import find_styles
from feed.tags import services as tags_services
from lib.days import local_day

__all__ = ["find_styles", "read_pending_posts", "read_posts", "relearn_words"]  # tasks that live elsewhere


@shared_task(name="feed.fold_counts")
def process_recount_requests() -> int:
    return counters.process_recount_requests(at=timezone.now())


@shared_task(name="feed.reconcile_counts")
def reconcile_counts() -> dict[str, int]:
    return asdict(counters.reconcile_counts(at=timezone.now()))


@shared_task(name="feed.schedule_challenges")
def schedule_challenges() -> int:
    return challenges_services.schedule_challenges(today=local_day(timezone.now()))


@shared_task(name="feed.follow_restrictions")
def follow_restrictions() -> int:
    return effects.follow_restrictions(at=timezone.now())


@shared_task(name="feed.rebuild_lists")
def rebuild_lists() -> list[str]:
    """What people look at first, then the lists that weigh it."""
    impressions.flush_impressions()
    return precomputed.rebuild_due_lists(at=timezone.now())


@shared_task(name="feed.count_tags")
def count_tags() -> int:
    return tags_services.count_tags()


@shared_task(name="feed.send_digests")
def send_digests() -> int:
    """Finds whose summary is due and lets any worker write it."""
    due = digests.due_members(at=timezone.now())
    for member_id in due:
        send_digest.delay(member_id)
    return len(due)


@shared_task(name="feed.send_digest")
def send_digest(member_id: int) -> bool:
    return digests.send_digest(member_id=member_id, at=timezone.now())
