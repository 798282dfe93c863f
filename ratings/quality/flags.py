"""Quality flags, recomputed from the answers: raised and lifted, never deleted; and a summary per rater."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db import connection, transaction
from django.db.models import Max, Q
from django.utils import timezone

from lib.tasks import enqueue_on_commit
from moderation.models import Restriction
from ratings.asking.aspects.models import AspectComparison
from ratings.asking.marks.models import RegionMark
from ratings.asking.models import Ask, AskOutcome, Comparison, Rating, Surface
from ratings.asking.rankings.models import RankedPicture
from ratings.quality import rules as quality_rules
from ratings.quality.models import Flag, QualityAppeal, QualityFlag, RaterStanding
from ratings.quality.post_aspects import OVERLAP
from ratings.quality.rules import Answer

SAMPLE = 20_000  # latest answers behind the site's medians
USUAL_MS = {False: 4000.0, True: 6000.0}  # medians of scales and of pairs, until there are `ENOUGH` answers
ENOUGH = 100
OTHERS = (Surface.MARKS, Surface.RANKING)  # no rule knows how long they take or where their answers stand
LATE = timedelta(minutes=15)  # no answer's transaction takes longer
LOCK = 0x5A10_0001  # advisory lock: two runs over one member would undo each other's flags
RATERS = 200  # evaluated at a time
MARK = "ratings-judged-mark"  # cache key of the last rating and comparison whose raters were evaluated


@transaction.atomic
def evaluate_raters(*, raters: Collection[int], at: datetime | None = None) -> list[int]:
    """Recomputes the flags and the standing of some members (ids, hundreds at a time) within `rules.WINDOW`.

    Older answers keep their flags. Returns the images whose ratings now count differently, and queues the refresh of
    their aspect scores.
    """
    at = at or timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    answers_by_rater = _answers_of(raters, at)
    medians, restrictions, exempt = _site_medians(), _restrictions_of(raters), _exempt_until(raters)
    wanted: dict[int, set[Flag]] = {}
    standings = []
    for rater, answers in answers_by_rater.items():
        found = quality_rules.flags_of(answers, site_medians=medians, restricted_at=restrictions.get(rater, ()))
        free = {each.ask for each in answers if rater in exempt and each.at <= exempt[rater]}
        flags = {ask: these for ask, these in found.items() if ask not in free}
        summary = quality_rules.summary_of(answers, flags)
        names = {name: getattr(summary, name) for name in summary.__slots__}
        standings.append(RaterStanding(rater_id=rater, version=quality_rules.VERSION, evaluated_at=at, **names))
        wanted |= {each.ask: flags.get(each.ask, set()) for each in answers}
    _store_standings(standings)
    images = _store_flags(wanted, at)
    if images:
        enqueue_on_commit("ratings.refresh_aspects_of", images)
    return images


def raters_since_mark(*, at: datetime | None = None) -> tuple[list[int], tuple[int, int]]:
    """Members (ids) who answered since the mark (all, if it is lost), and the mark to save once they are queued."""
    at = at or timezone.now()
    rating, comparison = cache.get(MARK) or (0, 0)
    raters, *newest = raters_since(rating=rating, comparison=comparison, at=at)
    by_aspect = AspectComparison.objects.filter(created_at__gt=at - LATE).values_list("rater", flat=True)
    marked = RegionMark.objects.filter(created_at__gt=at - LATE).values_list("ask__rater", flat=True)
    ranked = RankedPicture.objects.filter(created_at__gt=at - LATE, rank__isnull=False)
    marked = marked.union(ranked.values_list("ask__rater", flat=True))
    return sorted({*raters, *by_aspect, *marked}), (newest[0], newest[1])


def save_mark(newest: tuple[int, int]) -> None:
    cache.set(MARK, newest, timeout=None)


def raters_since(*, rating: int, comparison: int, at: datetime | None = None) -> tuple[list[int], int, int]:
    """Members (ids) who answered after those two rows (ids), and the newest rows now.

    A transaction with a lower id may commit later than one that was seen, so the last answers before those rows are
    included again while they are recent. Evaluating a member twice is idempotent.
    """
    at = at or timezone.now()
    newest_rating = Rating.objects.aggregate(newest=Max("pk"))["newest"] or 0
    newest_comparison = Comparison.objects.aggregate(newest=Max("pk"))["newest"] or 0
    rated = Rating.objects.filter(_since(rating, at), pk__lte=newest_rating).values_list("rater")
    compared = Comparison.objects.filter(_since(comparison, at), pk__lte=newest_comparison).values_list("rater")
    return sorted(rater for (rater,) in rated.union(compared)), newest_rating, newest_comparison


def _since(row: int, at: datetime) -> Q:
    return Q(pk__gt=row - OVERLAP) & (Q(pk__gt=row) | Q(created_at__gt=at - LATE))


def raters_active(*, at: datetime) -> list[int]:
    """Members (ids) with an answer within the rules' window."""
    answered = Ask.objects.filter(outcome=AskOutcome.ANSWERED, created_at__gt=at - quality_rules.WINDOW)
    return list(answered.order_by("rater").values_list("rater", flat=True).distinct())


def _answers_of(raters: Collection[int], at: datetime) -> dict[int, list[Answer]]:
    rows = Ask.objects.filter(
        rater__in=raters, outcome=AskOutcome.ANSWERED, created_at__gt=at - quality_rules.WINDOW, closed_at__lte=at
    ).order_by("rater", "closed_at", "pk")
    answers: dict[int, list[Answer]] = defaultdict(list)
    for ask in rows.select_related("rating", "comparison", "aspect_comparison", "question"):
        answers[ask.rater_id].append(_answer_to(ask))
    return answers


def _answer_to(ask: Ask) -> Answer:
    assert ask.closed_at is not None, "an answered ask is closed"
    assert ask.server_ms is not None, "so it has a duration"
    dwell_ms = ask.server_ms if ask.dwell_ms is None else min(ask.dwell_ms, ask.server_ms)
    shared: dict[str, Any] = {"ask": ask.pk, "at": ask.closed_at, "dwell_ms": dwell_ms}
    if ask.surface in OTHERS:
        return Answer(place=ask.surface, is_other=True, **shared)
    if not ask.is_pair:
        value = ask.rating.value
        place = quality_rules.CANT_TELL if value is None else 6 - value if ask.is_scale_reversed else value
        return Answer(place=place, **shared)
    if ask.is_about_aspect:
        return Answer(place=ask.verdict.outcome, is_by_aspect=True, **shared)
    comparison, low, high = ask.comparison, *ask.subject
    return Answer(
        place=comparison.outcome,
        pair=(low, high),
        preferred=comparison.preferred_id,
        repeat_no=ask.repeat_no,
        spoiled=ask.spoiled,
        **shared,
    )


def _site_medians() -> dict[bool, float]:
    """Median milliseconds to an answer over all members' latest answers, by whether they are about a pair."""
    medians = dict(USUAL_MS)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT is_pair, percentile_cont(0.5) WITHIN GROUP (ORDER BY dwell_ms) FROM (SELECT dwell_ms,"
            " image_low_id IS NOT NULL AS is_pair FROM ratings_ask WHERE dwell_ms > 0"
            " AND surface NOT IN ('marks', 'ranking')"
            " ORDER BY id DESC LIMIT %s) latest"
            " GROUP BY is_pair HAVING count(*) >= %s",
            [SAMPLE, ENOUGH],
        )
        medians.update({is_pair: float(found) for is_pair, found in cursor.fetchall()})
    return medians


def _restrictions_of(raters: Collection[int]) -> dict[int, list[datetime]]:
    """When each member was muted or banned; lifted restrictions are left out."""
    kinds = [Restriction.Kind.MUTED, Restriction.Kind.BANNED]
    rows = Restriction.objects.filter(user__in=raters, kind__in=kinds, lifted_at=None)
    starts: dict[int, list[datetime]] = defaultdict(list)
    for user, start in rows.values_list("user", "starts_at"):
        starts[user].append(start)
    return starts


def _exempt_until(raters: Collection[int]) -> dict[int, datetime]:
    """When each member's latest granted appeal was made: earlier answers keep no flag."""
    granted = QualityAppeal.objects.filter(rater__in=raters, state=QualityAppeal.State.GRANTED)
    return dict(granted.values_list("rater").annotate(until=Max("created_at")))


def _store_standings(standings: list[RaterStanding]) -> None:
    RaterStanding.objects.bulk_create(
        standings,
        update_conflicts=True,
        unique_fields=["rater", "version"],
        update_fields=[
            "evaluated_at", "answers", "flagged", "gold_checks", "gold_failed", "repeats", "contradicted",
            "median_dwell_ms",
        ],
    )  # fmt: skip


def _store_flags(wanted: Mapping[int, set[Flag]], at: datetime) -> list[int]:
    """Raises and lifts flags until these asks (ids) have the wanted ones; returns the images whose ratings changed."""
    before: dict[int, set[str]] = defaultdict(set)
    for ask, flag in QualityFlag.objects.in_force().filter(ask__in=wanted).values_list("ask", "flag"):
        before[ask].add(flag)
    now = {ask: {str(flag) for flag in flags} for ask, flags in wanted.items()}
    changed = [ask for ask, flags in now.items() if flags != before.get(ask, set())]
    raised = [(ask, flag) for ask in changed for flag in sorted(now[ask] - before[ask])]
    QualityFlag.objects.bulk_create(
        [QualityFlag(ask_id=ask, version=quality_rules.VERSION, flag=flag, raised_at=at) for ask, flag in raised],
        update_conflicts=True,
        unique_fields=["ask", "version", "flag"],
        update_fields=["raised_at", "lifted_at"],
    )
    for flag in Flag:
        gone = [ask for ask in changed if flag in before[ask] - now[ask]]
        QualityFlag.objects.in_force().filter(ask__in=gone, flag=flag).update(lifted_at=at)
    _copy_to_comparisons({ask: now[ask] for ask in changed})
    return list(Rating.objects.filter(ask__in=changed).values_list("image", flat=True).distinct())


def _copy_to_comparisons(flags: Mapping[int, Iterable[str]]) -> None:
    """Copies the flags to the column that exports read: one UPDATE per distinct set of flags."""
    asks_by_flags: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for ask, these in flags.items():
        asks_by_flags[tuple(sorted(these))].append(ask)
    for these, asks in asks_by_flags.items():
        Comparison.objects.filter(ask__in=asks).update(quality_flags=list(these))
