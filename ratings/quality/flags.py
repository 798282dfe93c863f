"""Flags on answers, recomputed from the answers: raised, lifted, never deleted; and what became of each rater."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Max, Q
from django.utils import timezone

from moderation.models import Restriction
from ratings.models import Ask, AskOutcome, Comparison, Flag, QualityAppeal, QualityFlag, RaterStanding, Rating
from ratings.post_aspects import OVERLAP
from ratings.quality import rules as quality_rules
from ratings.quality.rules import Given

SAMPLE = 20_000  # of the latest answers: what the site's medians are taken from
USUAL_MS = {False: 4000.0, True: 6000.0}  # the medians until there are enough answers to have their own
ENOUGH = 100
LATE = timedelta(minutes=15)  # no answer's transaction takes longer
ONE_AT_A_TIME = 0x5A10_0001  # advisory lock: two runs over one member would undo each other's flags


@transaction.atomic
def judge_raters(*, raters: Collection[int], at: datetime | None = None) -> list[int]:
    """Recomputes the flags and the standing of some members (ids, hundreds at a time) over the last weeks.

    Answers older than `quality.WINDOW` keep what was found while they were within it. Returns the images whose
    ratings count differently now.
    """
    at = at or timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ONE_AT_A_TIME])
    given = _answers_of(raters, at)
    medians, restrictions, exempt = _site_medians(), _restrictions_of(raters), _exempt_until(raters)
    wanted: dict[int, set[Flag]] = {}
    standings = []
    for rater, answers in given.items():
        found = quality_rules.flags_of(answers, site_medians=medians, restricted_at=restrictions.get(rater, ()))
        free = {each.ask for each in answers if rater in exempt and each.at <= exempt[rater]}
        flags = {ask: these for ask, these in found.items() if ask not in free}
        summary = quality_rules.summary_of(answers, flags)
        names = {name: getattr(summary, name) for name in summary.__slots__}
        standings.append(RaterStanding(rater_id=rater, version=quality_rules.VERSION, judged_at=at, **names))
        wanted |= {each.ask: flags.get(each.ask, set()) for each in answers}
    _store_standings(standings)
    return _store_flags(wanted, at)


def raters_since(*, rating: int, comparison: int, at: datetime | None = None) -> tuple[list[int], int, int]:
    """Who answered after those two rows (ids), and the newest rows now.

    A transaction that was numbered earlier may end later than one that was seen. So the last answers before those rows
    are looked at again as long as they are new; whoever is judged twice is judged alike.
    """
    at = at or timezone.now()
    newest_rating = Rating.objects.aggregate(newest=Max("pk"))["newest"] or 0
    newest_comparison = Comparison.objects.aggregate(newest=Max("pk"))["newest"] or 0
    rated = Rating.objects.filter(_since(rating, at), pk__lte=newest_rating).values_list("rater")
    judged = Comparison.objects.filter(_since(comparison, at), pk__lte=newest_comparison).values_list("rater")
    return sorted(rater for (rater,) in rated.union(judged)), newest_rating, newest_comparison


def _since(row: int, at: datetime) -> Q:
    return Q(pk__gt=row - OVERLAP) & (Q(pk__gt=row) | Q(created_at__gt=at - LATE))


def raters_active(*, at: datetime) -> list[int]:
    """Everybody with an answer that the rules still look at (ids)."""
    answered = Ask.objects.filter(outcome=AskOutcome.ANSWERED, created_at__gt=at - quality_rules.WINDOW)
    return list(answered.order_by("rater").values_list("rater", flat=True).distinct())


def _answers_of(raters: Collection[int], at: datetime) -> dict[int, list[Given]]:
    rows = Ask.objects.filter(
        rater__in=raters, outcome=AskOutcome.ANSWERED, created_at__gt=at - quality_rules.WINDOW, closed_at__lte=at
    ).order_by("rater", "closed_at", "pk")
    given: dict[int, list[Given]] = defaultdict(list)
    for ask in rows.select_related("rating", "comparison"):
        given[ask.rater_id].append(_given(ask))
    return given


def _given(ask: Ask) -> Given:
    assert ask.closed_at is not None, "an answered ask is closed"
    shared: dict[str, Any] = {"ask": ask.pk, "at": ask.closed_at, "dwell_ms": ask.dwell_ms}
    if not ask.is_pair:
        value = ask.rating.value
        place = quality_rules.CANT_TELL if value is None else 6 - value if ask.is_scale_reversed else value
        return Given(place=place, **shared)
    told, low, high = ask.comparison, *ask.subject
    return Given(
        place=told.outcome,
        pair=(low, high),
        preferred=told.preferred_id,
        repeat_no=ask.repeat_no,
        spoiled=ask.spoiled,
        **shared,
    )


def _site_medians() -> dict[bool, float]:
    """Milliseconds to an answer, everybody's latest, by whether it is about a pair."""
    medians = dict(USUAL_MS)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT is_pair, percentile_cont(0.5) WITHIN GROUP (ORDER BY dwell_ms) FROM (SELECT dwell_ms,"
            " image_low_id IS NOT NULL AS is_pair FROM ratings_ask WHERE dwell_ms > 0 ORDER BY id DESC LIMIT %s) latest"
            " GROUP BY is_pair HAVING count(*) >= %s",
            [SAMPLE, ENOUGH],
        )
        medians.update({is_pair: float(found) for is_pair, found in cursor.fetchall()})
    return medians


def _restrictions_of(raters: Collection[int]) -> dict[int, list[datetime]]:
    """When each was muted or banned, but for what was taken back."""
    kinds = [Restriction.Kind.MUTED, Restriction.Kind.BANNED]
    rows = Restriction.objects.filter(user__in=raters, kind__in=kinds, lifted_at=None)
    starts: dict[int, list[datetime]] = defaultdict(list)
    for user, start in rows.values_list("user", "starts_at"):
        starts[user].append(start)
    return starts


def _exempt_until(raters: Collection[int]) -> dict[int, datetime]:
    """A granted appeal settles everything that was answered before it."""
    granted = QualityAppeal.objects.filter(rater__in=raters, state=QualityAppeal.State.GRANTED)
    return dict(granted.values_list("rater").annotate(until=Max("created_at")))


def _store_standings(standings: list[RaterStanding]) -> None:
    RaterStanding.objects.bulk_create(
        standings,
        update_conflicts=True,
        unique_fields=["rater", "version"],
        update_fields=[
            "judged_at", "answers", "flagged", "gold_judged", "gold_failed", "repeats", "contradicted",
            "median_dwell_ms",
        ],
    )  # fmt: skip


def _store_flags(wanted: Mapping[int, set[Flag]], at: datetime) -> list[int]:
    """Makes the flags of these asks (ids) what is wanted; returns the images of ratings that this changed."""
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
    """Writes the flags where exports read them: one UPDATE for each set of flags."""
    alike: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for ask, these in flags.items():
        alike[tuple(sorted(these))].append(ask)
    for these, asks in alike.items():
        Comparison.objects.filter(ask__in=asks).update(quality_flags=list(these))
