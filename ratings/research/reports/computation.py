"""Working figures out and keeping them: a page never adds up a ledger that has grown long."""

import time
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from ratings.models import Ask, AspectFigure, Reading
from ratings.research.reports import aspects, complaints, model_comparisons, responses
from ratings.research.reports import flags as reports_flags

PERIODS = (7, 30, 90, 365)  # days
LIVE_ASKS = 5_000  # up to this many asks, a stale period is worked out while its page waits
LIVE_FOR = timedelta(minutes=1)  # how old such a reading may be
LOCK = 7_400_000  # of advisory locks; plus the days
BATCH = 1_000


def compute_reading(*, days: int, at: datetime | None = None) -> Reading | None:
    """Works out every figure of the last `days` and puts it in the place of the earlier reading.

    One at a time a period: None where another process is at it.
    """
    at = at or timezone.now()
    since, started = at - timedelta(days=days), time.monotonic()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK + days])
            if not cursor.fetchone()[0]:
                return None
        reading = Reading.objects.create(days=days, since=since, computed_at=at, took_ms=0, answers=0)
        reading.answers = aspects.collect_answers(since)
        figures = list(aspects.aspect_figures(reading))
        AspectFigure.objects.bulk_create(figures, batch_size=BATCH)
        reading.body = _body(figures, since)
        reading.took_ms = round((time.monotonic() - started) * 1000)
        reading.save(update_fields=["answers", "body", "took_ms"])
        aspects.forget_answers()
        Reading.objects.filter(days=days, computed_at__lte=at).exclude(pk=reading.pk).delete()
    return reading


def _body(figures: list[AspectFigure], since: datetime) -> dict[str, Any]:
    by_model = [
        figure for figure in figures if figure.checkpoint and not (figure.style or figure.category or figure.week)
    ]
    told = model_comparisons.judgements(since)
    return {
        "responses": responses.responses(since),
        "unasked": responses.unasked(since),
        "agreement": aspects.aspect_agreement(),
        "pair_agreement": model_comparisons.pair_agreement(since),
        "leaderboard": model_comparisons.leaderboard(told),
        "duels": model_comparisons.duels(told),
        "position": model_comparisons.position(told),
        "complaints": complaints.complaints(by_model, since),
        "left_out": reports_flags.left_out(since),
    }


def reading_over(*, days: int, at: datetime | None = None) -> Reading | None:
    """The newest reading of a period; worked out on the spot where the ledger is short. None: not there yet."""
    at = at or timezone.now()
    reading = Reading.objects.latest_over(days)
    if reading is not None and not reading.is_older_than(at - LIVE_FOR):
        return reading
    asks = Ask.objects.filter(created_at__gte=at - timedelta(days=days))
    if len(asks.order_by()[: LIVE_ASKS + 1].values_list("pk", flat=True)) > LIVE_ASKS:
        return reading
    return compute_reading(days=days, at=at) or reading
