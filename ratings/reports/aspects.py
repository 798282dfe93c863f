"""Weighted means of every question, along every dimension, by a few passes over the ledger inside the database."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from django.db import connection
from django.db.models import Count, Q

from ratings.models import AspectFigure, Rating, Reading
from ratings.reports.flags import UNFLAGGED
from ratings.statistics import LEAST_CLUSTERS, Moments, agreement, cluster_interval

MOST_FIGURES = 2_000  # of one grouping, the most answered
MOST_CATEGORIES = 40  # tags, the most rated
MOST_UNITS = 2_000  # pictures judged twice that agreement is computed on, the newest
WORK_MEMORY = "128MB"  # for sorting and hashing, of this transaction alone

# A picture without a style has the style “-”, for an empty dimension means all of it.
# One row per answer that counts: what it is about, and its weight 1 / (propensity x response of the stratum). A
# response is an answer that no quality flag speaks against. Surfaces are never pooled.
TOLD = f"""
CREATE TEMPORARY TABLE research_told ON COMMIT DROP AS
WITH asked AS (
    SELECT a.id, a.surface, a.stratum, a.question_id, a.propensity, a.created_at, a.image_id, a.rater_id,
           a.outcome = 'answered' AND {UNFLAGGED} AS counts
    FROM ratings_ask a
    WHERE a.created_at >= %(since)s AND a.image_id IS NOT NULL AND a.outcome <> 'open'
), rates AS (
    SELECT surface, stratum, count(*) FILTER (WHERE counts) / count(*)::float8 AS rate
    FROM asked GROUP BY surface, stratum
)
SELECT a.surface, q.slug AS question, c.slug AS checkpoint, coalesce(s.slug, '-') AS style, a.image_id AS image,
       date_trunc('week', a.created_at AT TIME ZONE 'UTC')::date AS week, a.rater_id AS rater,
       r.value::float8 AS value, 1 / (a.propensity * t.rate) AS weight, 1 / t.rate AS asks
FROM asked a
JOIN ratings_rating r ON r.ask_id = a.id AND r.value IS NOT NULL AND r.repeat_no = 0
JOIN rates t USING (surface, stratum)
JOIN ratings_question q ON q.id = a.question_id
JOIN generation_image i ON i.id = a.image_id
JOIN generation_generation g ON g.id = i.generation_id
JOIN generation_checkpoint c ON c.id = g.checkpoint_id
LEFT JOIN generation_style s ON s.id = g.style_id
WHERE a.counts
"""  # noqa: S608  # put together from constants

# Tags of the pictures, the most rated ones; a picture with two tags counts under both.
CATEGORIES = """
CREATE TEMPORARY TABLE research_categories ON COMMIT DROP AS
WITH tagged AS (
    SELECT p.image_id AS image, t.name AS category
    FROM feed_post p JOIN feed_posttag pt ON pt.post_id = p.id JOIN feed_tag t ON t.id = pt.tag_id
    WHERE p.image_id IN (SELECT image FROM research_told)
), ranked AS (
    SELECT category FROM tagged JOIN research_told USING (image) GROUP BY category ORDER BY count(*) DESC, category
    LIMIT %(most)s
)
SELECT image, category FROM tagged WHERE category IN (SELECT category FROM ranked)
"""

# Each rater's answers are added up first, then the raters' sums and products: all that a clustered interval needs.
MEANS = """
SELECT {dimensions}, sum(s), sum(w), sum(s * s), sum(s * w), sum(w * w), sum(n), count(*), sum(plain), sum(asks)
FROM (
    SELECT {dimensions}, rater, sum(weight * value) AS s, sum(weight) AS w, count(*) AS n, sum(value) AS plain,
           sum(asks) AS asks
    FROM {source} GROUP BY {dimensions}, rater
) AS raters
GROUP BY {dimensions} HAVING count(*) >= %(least)s ORDER BY sum(n) DESC LIMIT %(most)s
"""

ALWAYS = ("surface", "question")
GROUPINGS: tuple[tuple[str, ...], ...] = (
    (),
    ("week",),
    ("checkpoint",),
    ("style",),
    ("category",),
    ("checkpoint", "week"),
    ("checkpoint", "style"),
    ("checkpoint", "category"),
    ("style", "category"),
    ("checkpoint", "style", "category"),
)


def collect_answers(since: datetime) -> int:
    """Lays the answers of a period ready for `aspect_figures`; returns how many. Call inside a transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('work_mem', %s, true)", [WORK_MEMORY])
        cursor.execute(TOLD, {"since": since})
        cursor.execute("ANALYZE research_told")
        cursor.execute(CATEGORIES, {"most": MOST_CATEGORIES})
        cursor.execute("SELECT count(*) FROM research_told")
        return int(cursor.fetchone()[0])


def aspect_figures(reading: Reading) -> Iterator[AspectFigure]:
    """Every figure of a reading, not yet saved; cells that cross dimensions need as many raters as an interval."""
    for grouping in GROUPINGS:
        source = "research_told" + (" JOIN research_categories USING (image)" if "category" in grouping else "")
        least = LEAST_CLUSTERS if len(grouping) > 1 else 1
        names = (*ALWAYS, *grouping)
        with connection.cursor() as cursor:
            sql = MEANS.format(dimensions=", ".join(names), source=source)
            cursor.execute(sql, {"least": least, "most": MOST_FIGURES})
            yield from _figures(reading, names, cursor.fetchall())


def _figures(reading: Reading, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> Iterator[AspectFigure]:
    if not rows:
        return
    keys = [dict(zip(names, row, strict=False)) for row in rows]
    sums = np.array([row[len(names) :] for row in rows], dtype=np.float64).T
    s, w, ss, sw, ww, answers, raters, plain, asks = sums
    mean, low, high = cluster_interval(Moments(s, w, ss, sw, ww, answers, raters))
    for number, key in enumerate(keys):
        is_known = bool(np.isfinite(low[number]))
        yield AspectFigure(
            reading=reading,
            **key,
            answers=int(answers[number]),
            raters=int(raters[number]),
            response=float(answers[number] / asks[number]),
            mean=float(mean[number]),
            low=max(1.0, float(low[number])) if is_known else None,
            high=min(5.0, float(high[number])) if is_known else None,
            naive=float(plain[number] / answers[number]),
        )


def aspect_agreement(since: datetime) -> list[dict[str, Any]]:
    """Ordinal alpha by surface and question, over pictures that two or more people rated, the newest."""
    told = Rating.objects.told().filter(ask__created_at__gte=since)
    tallies = {f"n{value}": Count("pk", filter=Q(value=value)) for value in range(1, 6)}
    units = told.values_list("ask__surface", "question__slug", "image").alias(n=Count("pk")).filter(n__gte=2)
    counts: dict[tuple[str, str], list[list[int]]] = {}
    for surface, question, _image, *chosen in units.annotate(**tallies).order_by("-image")[:MOST_UNITS]:
        counts.setdefault((surface, question), []).append(chosen)
    found = {key: agreement(table, level="ordinal") for key, table in sorted(counts.items())}
    return [
        {"surface": surface, "question": question, "alpha": a.alpha, "low": a.low, "high": a.high, "units": a.units}
        for (surface, question), a in found.items()
        if a is not None
    ]
