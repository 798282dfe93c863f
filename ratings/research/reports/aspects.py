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
from ratings.research.statistics import LEAST_CLUSTERS, WEIGHT_CAP, Clusters, agreement, two_way_interval

MOST_FIGURES = 2_000  # of one grouping, the most answered
MOST_CATEGORIES = 40  # tags, the most rated
MOST_UNITS = 2_000  # pictures rated twice that agreement is computed on, the newest
WORK_MEMORY = "128MB"  # for sorting and hashing, of this transaction alone

# The response rate of each stratum: unflagged answers / asks. One that is still open counts as not answered yet.
RATES_SQL = f"""
CREATE TEMPORARY TABLE research_rates ON COMMIT DROP AS
SELECT a.surface, a.stratum,
       count(*) FILTER (WHERE a.outcome = 'answered' AND flagged.ask_id IS NULL) / count(*)::float8 AS rate
FROM ratings_ask a LEFT JOIN {FLAGGED} ON flagged.ask_id = a.id
WHERE a.created_at >= %(since)s AND a.image_id IS NOT NULL AND a.surface <> 'campaign'
GROUP BY a.surface, a.stratum
"""  # noqa: S608  # put together from constants

# One row per answer that counts: its subject, and its weight 1 / (propensity x response of the stratum).
# Surfaces are never pooled, campaigns have figures of their own. Dimensions are ids, which the database groups fastest.
ANSWERS_SQL = f"""
CREATE TEMPORARY TABLE research_answers ON COMMIT DROP AS
SELECT a.surface, a.question_id AS question, g.checkpoint_id AS checkpoint,
       coalesce(g.style_id, 0) AS style, a.image_id AS image,
       date_trunc('week', a.created_at AT TIME ZONE 'UTC')::date AS week, a.rater_id AS rater,
       r.value::float8 AS value, 1 / (a.propensity * t.rate) AS weight, 1 / t.rate AS asks
FROM ratings_ask a
JOIN ratings_rating r ON r.ask_id = a.id AND r.value IS NOT NULL AND r.repeat_no = 0
JOIN research_rates t USING (surface, stratum)
JOIN generation_image i ON i.id = a.image_id
JOIN generation_generation g ON g.id = i.generation_id
LEFT JOIN {FLAGGED} ON flagged.ask_id = a.id
WHERE a.created_at >= %(since)s AND a.outcome = 'answered' AND flagged.ask_id IS NULL AND a.surface <> 'campaign'
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

# A jackknife by rater and one by picture, of every mean: {dimensions} name what a mean is about. Nobody weighs more
# than `WEIGHT_CAP` times the average rater of the mean. Single answers never leave the database.
MEANS_SQL = f"""
WITH raters AS MATERIALIZED (
    SELECT {{dimensions}}, rater, sum(weight) AS w, sum(weight * value) AS s, count(*) AS n, sum(value) AS plain,
           sum(asks) AS asks
    FROM {{source}} GROUP BY {{dimensions}}, rater
), capped AS MATERIALIZED (
    SELECT raters.*, least(1, {WEIGHT_CAP} * avg(w) OVER (PARTITION BY {{dimensions}}) / w) AS factor FROM raters
), means AS MATERIALIZED (
    SELECT {{dimensions}}, sum(factor * w) AS w, sum(factor * s) / sum(factor * w) AS mean,
           sum((factor * w) ^ 2) AS squared, count(*) AS raters, sum(n) AS answers, sum(plain) AS plain,
           sum(asks) AS asks
    FROM capped GROUP BY {{dimensions}} HAVING count(*) >= %(least)s ORDER BY sum(n) DESC LIMIT %(most)s
), by_rater AS (
    SELECT {{dimensions}}, sum((factor * (s - mean * capped.w) / nullif(means.w - factor * capped.w, 0)) ^ 2) AS moved
    FROM capped JOIN means USING ({{dimensions}}) GROUP BY {{dimensions}}
), pictures AS (
    SELECT {{dimensions}}, image, sum(factor * weight) AS w, sum(factor * weight * (value - mean)) AS residual,
           sum((factor * weight * (value - mean)) ^ 2) AS squares
    FROM {{source}} JOIN capped USING ({{dimensions}}, rater) JOIN means USING ({{dimensions}})
    GROUP BY {{dimensions}}, image
), by_picture AS (
    SELECT {{dimensions}}, sum((residual / nullif(means.w - pictures.w, 0)) ^ 2) AS moved, count(*) AS pictures,
           sum(pictures.w ^ 2) AS squared, sum(squares) AS squares
    FROM pictures JOIN means USING ({{dimensions}}) GROUP BY {{dimensions}}
)
SELECT {{dimensions}}, means.mean, by_rater.moved, means.w ^ 2 / means.squared, means.raters, by_picture.moved,
       means.w ^ 2 / by_picture.squared, by_picture.pictures,
       by_picture.squares / means.w ^ 2 * means.answers / nullif(means.answers - 1, 0), means.answers, means.plain,
       means.asks
FROM means JOIN by_rater USING ({{dimensions}}) JOIN by_picture USING ({{dimensions}}) ORDER BY means.answers DESC
"""  # noqa: S608  # put together from constants

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
    columns = np.array([row[len(names) :] for row in rows], dtype=np.float64).T
    mean, rater_squares, effective_raters, raters, picture_squares, effective_pictures, pictures = columns[:7]
    by_answer, answers, plain, asks = columns[7:]
    by_rater = Clusters(rater_squares, effective_raters, raters)
    by_picture = Clusters(picture_squares, effective_pictures, pictures)
    low, high = two_way_interval(mean, by_rater, by_picture, by_answer)
    for number, key in enumerate(keys):
        is_known = bool(np.isfinite(low[number]))
        yield AspectFigure(
            snapshot=snapshot,
            **key,
            answers=int(answers[number]),
            raters=int(raters[number]),
            pictures=int(pictures[number]),
            effective_raters=float(effective_raters[number]),
            effective_pictures=float(effective_pictures[number]),
            response=float(answers[number] / asks[number]),
            mean=float(mean[number]),
            low=max(1.0, float(low[number])) if is_known else None,
            high=min(5.0, float(high[number])) if is_known else None,
            naive=float(plain[number] / answers[number]),
        )


def _names_of(kind: str, numbers: set[int]) -> dict[int, str]:
    """Names by id; 0 is no style."""
    model, field = NAMES[kind]
    return {0: NO_STYLE, **dict(model._default_manager.filter(pk__in=numbers).values_list("pk", field))}


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
