"""Weighted means of every question, along every dimension, by a few passes over the ledger inside the database."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from django.db import connection
from django.db.models import Model

from feed.models import Tag
from generation.models import Checkpoint, Style
from ratings.models import AspectFigure, Question, Reading
from ratings.research.reports.flags import DOUBTED
from ratings.research.statistics import LEAST_CLUSTERS, Moments, agreement, cluster_interval

MOST_FIGURES = 2_000  # of one grouping, the most answered
MOST_CATEGORIES = 40  # tags, the most rated
MOST_UNITS = 2_000  # pictures judged twice that agreement is computed on, the newest
WORK_MEMORY = "128MB"  # for sorting and hashing, of this transaction alone

# What came of the closed asks of each stratum. A response is an answer that no quality flag speaks against.
RATES = f"""
CREATE TEMPORARY TABLE research_rates ON COMMIT DROP AS
SELECT a.surface, a.stratum,
       count(*) FILTER (WHERE a.outcome = 'answered' AND doubted.ask_id IS NULL) / count(*)::float8 AS rate
FROM ratings_ask a LEFT JOIN {DOUBTED} ON doubted.ask_id = a.id
WHERE a.created_at >= %(since)s AND a.image_id IS NOT NULL AND a.outcome <> 'open'
GROUP BY a.surface, a.stratum
"""  # noqa: S608  # put together from constants

# One row per answer that counts: what it is about, and its weight 1 / (propensity x response of the stratum).
# Surfaces are never pooled. Kinds stand by number, for numbers are what the database groups by fastest.
TOLD = f"""
CREATE TEMPORARY TABLE research_told ON COMMIT DROP AS
SELECT a.surface, a.question_id AS question, g.checkpoint_id AS checkpoint, g.style_id AS style, a.image_id AS image,
       date_trunc('week', a.created_at AT TIME ZONE 'UTC')::date AS week, a.rater_id AS rater,
       r.value::float8 AS value, 1 / (a.propensity * t.rate) AS weight, 1 / t.rate AS asks
FROM ratings_ask a
JOIN ratings_rating r ON r.ask_id = a.id AND r.value IS NOT NULL AND r.repeat_no = 0
JOIN research_rates t USING (surface, stratum)
JOIN generation_image i ON i.id = a.image_id
JOIN generation_generation g ON g.id = i.generation_id
LEFT JOIN {DOUBTED} ON doubted.ask_id = a.id
WHERE a.created_at >= %(since)s AND a.outcome = 'answered' AND doubted.ask_id IS NULL
"""  # noqa: S608  # put together from constants

# Tags of the pictures, the most rated ones; a picture with two tags counts under both.
CATEGORIES = """
CREATE TEMPORARY TABLE research_categories ON COMMIT DROP AS
WITH rated AS (
    SELECT image, count(*) AS answers FROM research_told GROUP BY image
), tagged AS (
    SELECT rated.image, pt.tag_id AS category, rated.answers
    FROM rated JOIN feed_post p ON p.image_id = rated.image JOIN feed_posttag pt ON pt.post_id = p.id
), ranked AS (
    SELECT category FROM tagged GROUP BY category ORDER BY sum(answers) DESC, category LIMIT %(most)s
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

# How each kind is called, by its number; a picture without a style has the style “-”, for empty means all of them.
CALLED: Mapping[str, tuple[type[Model], str]] = {
    "question": (Question, "slug"),
    "checkpoint": (Checkpoint, "slug"),
    "style": (Style, "slug"),
    "category": (Tag, "name"),
}
NO_STYLE = "-"

# How often each step was chosen, of pictures judged by two or more.
JUDGED_TWICE = """
SELECT surface, question, count(*) FILTER (WHERE value = 1), count(*) FILTER (WHERE value = 2),
       count(*) FILTER (WHERE value = 3), count(*) FILTER (WHERE value = 4), count(*) FILTER (WHERE value = 5)
FROM research_told GROUP BY surface, question, image HAVING count(*) > 1 ORDER BY image DESC LIMIT %(most)s
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
        # Compiling these statements costs more than it saves.
        cursor.execute("SELECT set_config('work_mem', %s, true), set_config('jit', 'off', true)", [WORK_MEMORY])
        cursor.execute(RATES, {"since": since})
        cursor.execute("ANALYZE research_rates")
        cursor.execute(TOLD, {"since": since})
        cursor.execute("ANALYZE research_told")
        cursor.execute(CATEGORIES, {"most": MOST_CATEGORIES})
        cursor.execute("ANALYZE research_categories")
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
    called = {name: _called(name, {row[place] for row in rows}) for place, name in enumerate(names) if name in CALLED}
    keys = [
        {name: called[name][value] if name in called else value for name, value in zip(names, row, strict=False)}
        for row in rows
    ]
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


def _called(kind: str, numbers: set[int | None]) -> dict[int | None, str]:
    """The names of some kinds by their numbers."""
    model, field = CALLED[kind]
    return {None: NO_STYLE, **dict(model._default_manager.filter(pk__in=numbers - {None}).values_list("pk", field))}


def forget_answers() -> None:
    """Drops what `collect_answers` laid ready, for a caller whose transaction goes on."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE research_rates, research_told, research_categories")


def aspect_agreement() -> list[dict[str, Any]]:
    """Ordinal alpha by surface and question, over the newest pictures that two or more people rated.

    Of what `collect_answers` laid ready.
    """
    with connection.cursor() as cursor:
        cursor.execute(JUDGED_TWICE, {"most": MOST_UNITS})
        rows = cursor.fetchall()
    called = _called("question", {row[1] for row in rows})
    counts: dict[tuple[str, str], list[list[int]]] = {}
    for surface, question, *chosen in rows:
        counts.setdefault((surface, called[question]), []).append(chosen)
    found = {key: agreement(table, level="ordinal") for key, table in sorted(counts.items())}
    return [
        {"surface": surface, "question": question, "alpha": a.alpha, "low": a.low, "high": a.high, "units": a.units}
        for (surface, question), a in found.items()
        if a is not None
    ]
