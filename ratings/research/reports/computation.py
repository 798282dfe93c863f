"""Computes the snapshots that the Research pages show."""

import time
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from ratings.asking.models import Ask
from ratings.research.models import AspectFigure, ReportSnapshot
from ratings.research.reports import aspects, complaints, model_comparisons, partial_boards, responses, style_control
from ratings.research.reports import flags as reports_flags

PERIODS = (7, 30, 90, 365)  # days
LIVE_ASKS = 5_000  # up to this many asks, a stale snapshot is recomputed while its page waits
LIVE_FOR = timedelta(minutes=1)  # how old such a snapshot may be
LOCK = 7_400_000  # of advisory locks; plus the days
BATCH = 1_000


def compute_snapshot(*, days: int, at: datetime | None = None) -> ReportSnapshot | None:
    """Computes every figure of the last `days` and replaces the earlier snapshot.

    One process at a time: None if another one is computing this period.
    """
    at = at or timezone.now()
    since, started = at - timedelta(days=days), time.monotonic()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK + days])
            if not cursor.fetchone()[0]:
                return None
        snapshot = ReportSnapshot.objects.create(days=days, since=since, computed_at=at, took_ms=0, answers=0)
        snapshot.answers = aspects.collect_answers(since)
        figures = list(aspects.aspect_figures(snapshot))
        AspectFigure.objects.bulk_create(figures, batch_size=BATCH)
        snapshot.body = _body(figures, since)
        snapshot.took_ms = round((time.monotonic() - started) * 1000)
        snapshot.save(update_fields=["answers", "body", "took_ms"])
        aspects.drop_answers()
        ReportSnapshot.objects.filter(days=days, computed_at__lte=at).exclude(pk=snapshot.pk).delete()
    return snapshot


def _body(figures: list[AspectFigure], since: datetime) -> dict[str, Any]:
    by_model = [
        figure for figure in figures if figure.checkpoint and not (figure.style or figure.category or figure.week)
    ]
    votes = model_comparisons.read_votes(since)
    return {
        "responses": responses.responses(since),
        "unasked": responses.unasked(since),
        "agreement": aspects.aspect_agreement(),
        "pair_agreement": model_comparisons.pair_agreement(since),
        "leaderboard": model_comparisons.leaderboard(votes),
        "boards_by_category": partial_boards.boards_by_category(since),
        "controlled": style_control.controlled_leaderboard(since),
        "boards_by_week": partial_boards.boards_by_week(since),
        "duels": model_comparisons.comparisons(votes),
        "position": model_comparisons.position(votes),
        "complaints": complaints.complaints(by_model, since),
        "left_out": reports_flags.count_left_out(since),
    }


def current_snapshot(*, days: int, at: datetime | None = None) -> ReportSnapshot | None:
    """The newest snapshot of a period, recomputed first where the ledger is short; None: there is none yet."""
    at = at or timezone.now()
    snapshot = ReportSnapshot.objects.latest_over(days)
    if snapshot is not None and not snapshot.is_older_than(at - LIVE_FOR):
        return snapshot
    asks = Ask.objects.filter(created_at__gte=at - timedelta(days=days))
    if len(asks.order_by()[: LIVE_ASKS + 1].values_list("pk", flat=True)) > LIVE_ASKS:
        return snapshot
    return compute_snapshot(days=days, at=at) or snapshot
