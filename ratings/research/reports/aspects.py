"""Weighted means of every question along every dimension, computed inside the database by a few scans of the ledger."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from django.db import connection
from django.db.models import Model

from feed.models import Tag
from generation.models import Checkpoint, Style
from ratings.asking.models import Question
from ratings.research.models import AspectFigure, ReportSnapshot
from ratings.research.reports.flags import FLAGGED
from ratings.research.statistics import LEAST_CLUSTERS, Moments, agreement, cluster_interval

MOST_FIGURES = 2_000  # of one grouping, the most answered
MOST_CATEGORIES = 40  # tags, the most rated
MOST_UNITS = 2_000  # pictures rated twice that agreement is computed on, the newest
WORK_MEMORY = "128MB"  # for sorting and hashing, of this transaction alone

# The response rate of each stratum: unflagged answers / closed asks.
RATES_SQL = f"""
CREATE TEMPORARY TABLE research_rates ON COMMIT DROP AS
SELECT a.surface, a.stratum,
       count(*) FILTER (WHERE a.outcome = 'answered' AND flagged.ask_id IS NULL) / count(*)::float8 AS rate
FROM ratings_ask a LEFT JOIN {FLAGGED} ON flagged.ask_id = a.id
WHERE a.created_at >= %(since)s AND a.image_id IS NOT NULL AND a.outcome <> 'open'
GROUP BY a.surface, a.stratum
"""  # noqa: S608  # put together from constants

# One row per answer that counts: its subject, and its weight 1 / (propensity x response of the stratum).
# Surfaces are never pooled. Dimensions are ids, which the database groups fastest.
ANSWERS_SQL = f"""
CREATE TEMPORARY TABLE research_answers ON COMMIT DROP AS
SELECT a.surface, a.question_id AS question, g.checkpoint_id AS checkpoint, g.style_id AS style, a.image_id AS image,
       date_trunc('week', a.created_at AT TIME ZONE 'UTC')::date AS week, a.rater_id AS rater,
       r.value::float8 AS value, 1 / (a.propensity * t.rate) AS weight, 1 / t.rate AS asks
FROM ratings_ask a
JOIN ratings_rating r ON r.ask_id = a.id AND r.value IS NOT NULL AND r.repeat_no = 0
JOIN research_rates t USING (surface, stratum)
JOIN generation_image i ON i.id = a.image_id
JOIN generation_generation g ON g.id = i.generation_id
LEFT JOIN {FLAGGED} ON flagged.ask_id = a.id
WHERE a.created_at >= %(since)s AND a.outcome = 'answered' AND flagged.ask_id IS NULL
"""  # noqa: S608  # put together from constants

# Tags of the pictures, the most rated ones; a picture with two tags counts under both.
CATEGORIES_SQL = """
CREATE TEMPORARY TABLE research_categories ON COMMIT DROP AS
WITH rated AS (
    SELECT image, count(*) AS answers FROM research_answers GROUP BY image
), tagged AS (
    SELECT rated.image, pt.tag_id AS category, rated.answers
    FROM rated JOIN feed_post p ON p.image_id = rated.image JOIN feed_posttag pt ON pt.post_id = p.id
), ranked AS (
    SELECT category FROM tagged GROUP BY category ORDER BY sum(answers) DESC, category LIMIT %(most)s
)
SELECT image, category FROM tagged WHERE category IN (SELECT category FROM ranked)
"""

# Each rater's answers are added up first, then the raters' sums and products: all that a clustered interval needs.
MEANS_SQL = """
SELECT {dimensions}, sum(s), sum(w), sum(s * s), sum(s * w), sum(w * w), sum(n), count(*), sum(plain), sum(asks)
FROM (
    SELECT {dimensions}, rater, sum(weight * value) AS s, sum(weight) AS w, count(*) AS n, sum(value) AS plain,
           sum(asks) AS asks
    FROM {source} GROUP BY {dimensions}, rater
) AS raters
GROUP BY {dimensions} HAVING count(*) >= %(least)s ORDER BY sum(n) DESC LIMIT %(most)s
"""

# Where the name of each dimension is found by its id. A picture without a style has “-”: empty means all.
NAMES: Mapping[str, tuple[type[Model], str]] = {
    "question": (Question, "slug"),
    "checkpoint": (Checkpoint, "slug"),
    "style": (Style, "slug"),
    "category": (Tag, "name"),
}
NO_STYLE = "-"

# How often each step was chosen, for pictures rated by two or more people.
RATED_TWICE_SQL = """
SELECT surface, question, count(*) FILTER (WHERE value = 1), count(*) FILTER (WHERE value = 2),
       count(*) FILTER (WHERE value = 3), count(*) FILTER (WHERE value = 4), count(*) FILTER (WHERE value = 5)
FROM research_answers GROUP BY surface, question, image HAVING count(*) > 1 ORDER BY image DESC LIMIT %(most)s
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
    """Fills the temporary tables that `aspect_figures` reads; returns the answer count. Call in a transaction."""
    with connection.cursor() as cursor:
        # JIT compilation of these statements costs more than it saves.
        cursor.execute("SELECT set_config('work_mem', %s, true), set_config('jit', 'off', true)", [WORK_MEMORY])
        cursor.execute(RATES_SQL, {"since": since})
        cursor.execute("ANALYZE research_rates")
        cursor.execute(ANSWERS_SQL, {"since": since})
        cursor.execute("ANALYZE research_answers")
        cursor.execute(CATEGORIES_SQL, {"most": MOST_CATEGORIES})
        cursor.execute("ANALYZE research_categories")
        cursor.execute("SELECT count(*) FROM research_answers")
        return int(cursor.fetchone()[0])


def aspect_figures(snapshot: ReportSnapshot) -> Iterator[AspectFigure]:
    """Every figure of a snapshot, unsaved; cells that cross dimensions need as many raters as an interval does."""
    for grouping in GROUPINGS:
        source = "research_answers" + (" JOIN research_categories USING (image)" if "category" in grouping else "")
        least = LEAST_CLUSTERS if len(grouping) > 1 else 1
        names = (*ALWAYS, *grouping)
        with connection.cursor() as cursor:
            sql = MEANS_SQL.format(dimensions=", ".join(names), source=source)
            cursor.execute(sql, {"least": least, "most": MOST_FIGURES})
            yield from _figures(snapshot, names, cursor.fetchall())


def _figures(snapshot: ReportSnapshot, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> Iterator[AspectFigure]:
    if not rows:
        return
    names_by = {name: _names_of(name, {row[i] for row in rows}) for i, name in enumerate(names) if name in NAMES}
    keys = [
        {name: names_by[name][value] if name in names_by else value for name, value in zip(names, row, strict=False)}
        for row in rows
    ]
    sums = np.array([row[len(names) :] for row in rows], dtype=np.float64).T
    s, w, ss, sw, ww, answers, raters, plain, asks = sums
    mean, low, high = cluster_interval(Moments(s, w, ss, sw, ww, answers, raters))
    for number, key in enumerate(keys):
        is_known = bool(np.isfinite(low[number]))
        yield AspectFigure(
            snapshot=snapshot,
            **key,
            answers=int(answers[number]),
            raters=int(raters[number]),
            response=float(answers[number] / asks[number]),
            mean=float(mean[number]),
            low=max(1.0, float(low[number])) if is_known else None,
            high=min(5.0, float(high[number])) if is_known else None,
            naive=float(plain[number] / answers[number]),
        )


def _names_of(kind: str, numbers: set[int | None]) -> dict[int | None, str]:
    """Names by id."""
    model, field = NAMES[kind]
    return {None: NO_STYLE, **dict(model._default_manager.filter(pk__in=numbers - {None}).values_list("pk", field))}


def drop_answers() -> None:
    """Drops the temporary tables of `collect_answers`, for a caller whose transaction continues."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE research_rates, research_answers, research_categories")


def aspect_agreement() -> list[dict[str, Any]]:
    """Ordinal alpha by surface and question, over the newest pictures that two or more people rated.

    Call after `collect_answers`, in the same transaction.
    """
    with connection.cursor() as cursor:
        cursor.execute(RATED_TWICE_SQL, {"most": MOST_UNITS})
        rows = cursor.fetchall()
    names_by = _names_of("question", {row[1] for row in rows})
    counts: dict[tuple[str, str], list[list[int]]] = {}
    for surface, question, *chosen in rows:
        counts.setdefault((surface, names_by[question]), []).append(chosen)
    found = {key: agreement(table, level="ordinal") for key, table in sorted(counts.items())}
    return [
        {"surface": surface, "question": question, "alpha": a.alpha, "low": a.low, "high": a.high, "units": a.units}
        for (surface, question), a in found.items()
        if a is not None
    ]
