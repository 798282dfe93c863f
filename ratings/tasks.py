"""Celery tasks. Each takes ids and calls one service; config.settings says how often."""

from celery import shared_task
from django.utils import timezone

from lib.tasks import enqueue_on_commit
from ratings.asking import counterparts
from ratings.asking import services as asking_services
from ratings.benchmarks.models import Benchmark
from ratings.benchmarks.results import refresh_results
from ratings.campaigns import services as campaigns_services
from ratings.campaigns.imports import pictures as imports
from ratings.campaigns.models import Campaign
from ratings.campaigns.pictures import draw_campaigns
from ratings.challenges import services as challenges_services
from ratings.quality import flags as quality_flags
from ratings.quality import post_aspects
from ratings.research import reports


@shared_task(name="ratings.expire_asks")
def expire_asks() -> None:
    asking_services.expire_asks()


@shared_task(name="ratings.refresh_aspects")
def refresh_aspects() -> None:
    post_aspects.refresh_new_ratings()


@shared_task(name="ratings.refresh_aspects_of")
def refresh_aspects_of(images: list[int]) -> None:
    """Recomputes the posts of some images (ids), after answers were taken away."""
    post_aspects.refresh_aspects_in_chunks(images=images)


@shared_task(name="ratings.judge_new_answers")
def evaluate_new_answers() -> None:
    """Updates the flags of members who answered since the last time."""
    raters, newest = quality_flags.raters_since_mark()
    _evaluate_in_parts(raters)
    quality_flags.save_mark(newest)  # last, so that a lost broker loses nobody


@shared_task(name="ratings.judge_everybody")
def evaluate_all_raters() -> None:
    """Once a day, as restrictions and the site's medians change the flags of older answers."""
    _evaluate_in_parts(quality_flags.raters_active(at=timezone.now()))


@shared_task(name="ratings.judge_raters")
def evaluate_raters(raters: list[int]) -> None:
    quality_flags.evaluate_raters(raters=raters)


def _evaluate_in_parts(raters: list[int]) -> None:
    size = quality_flags.RATERS
    for start in range(0, len(raters), size):
        enqueue_on_commit(evaluate_raters, raters[start : start + size])


@shared_task(name="ratings.compute_reading")
def compute_snapshot(days: int) -> None:
    """Computes the figures of the Research pages for one period."""
    reports.compute_snapshot(days=days)


@shared_task(name="ratings.refresh_benchmarks")
def refresh_benchmarks() -> None:
    """Updates the results of open benchmarks and closes those that are decided."""
    for benchmark in Benchmark.objects.filter(state=Benchmark.State.VOTING).order_by("pk"):
        refresh_results(benchmark=benchmark)


@shared_task(name="ratings.advance_campaigns")
def advance_campaigns() -> None:
    """Ends campaigns whose last day has passed, and has the pictures of new ones drawn or imported."""
    campaigns_services.end_past_campaigns()
    draw_campaigns()
    imports.delete_archives()
    for campaign in imports.importing_campaigns(timezone.now()):
        import_campaign_pictures.apply_async((campaign,), expires=20.0)  # where workers are busy, they do not pile up


@shared_task(name="ratings.import_campaign_pictures")
def import_campaign_pictures(campaign: int) -> None:
    """A part of the pictures in a campaign's archive (id of the campaign)."""
    imports.import_pictures(campaign=Campaign.objects.get(pk=campaign))


@shared_task(name="ratings.make_counterparts")
def make_counterparts() -> None:
    counterparts.make_counterparts()


@shared_task(name="ratings.show_counterparts")
def show_counterparts() -> None:
    counterparts.show_counterparts()


@shared_task(name="ratings.close_challenges")
def close_challenges() -> None:
    """Counts the votes of challenges, and closes those that are decided."""
    challenges_services.close_challenges()
