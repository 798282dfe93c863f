"""Celery tasks of the ranking; `config/schedule.py` says how often they run."""

from dataclasses import asdict

from celery import shared_task
from django.utils import timezone

from feed.ranking import counters, impressions, precomputed


@shared_task(name="feed.fold_counts")
def process_recount_requests() -> int:
    return counters.process_recount_requests(at=timezone.now())


@shared_task(name="feed.reconcile_counts")
def reconcile_counts() -> dict[str, int]:
    return asdict(counters.reconcile_counts(at=timezone.now()))


@shared_task(name="feed.rebuild_lists")
def rebuild_lists() -> list[str]:
    """Flushes impressions first, because rising counts them."""
    impressions.flush_impressions()
    return precomputed.rebuild_due_lists(at=timezone.now())
