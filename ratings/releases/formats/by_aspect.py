"""`aspects`: pairs by aspect, one row per pair and aspect, in the columns of `pairs` with `aspect`.

Multi-dimensional preference models are trained on these. A pair has the same `pair_id` for every aspect.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pyarrow as pa

from ratings.asking.questions.models import PAIR_SUFFIX
from ratings.releases.engine import splits, sql
from ratings.releases.engine.scope import Scope
from ratings.releases.formats import pairs
from ratings.releases.formats.base import Format
from ratings.releases.formats.columns import Column, Count, Part

KIND = "aspects"
_ASKED = """SELECT slug, min(id) FROM ratings_question
 WHERE id IN (SELECT question_id FROM ratings_aspectcomparison) GROUP BY slug ORDER BY min(id)"""
ASPECT = Column("aspect", pa.string(), "What was compared: lighting, subject, background, colour …")
COLUMNS = (*pairs.COLUMNS, ASPECT)


def plan_aspects(scope: Scope, kind: str, columns: Sequence[Column]) -> Iterator[Part]:
    """The rows of a format of pairs, aspect by aspect; `columns` has `ASPECT` and a key of the pair."""
    for slug, question in sql.fetch_all(_ASKED):
        # A pair may be compared by several aspects: the key of a row names both.
        key = sql.number("row", sql.json_list("pair.low", "pair.high", str(question)))
        keyed = [replace(column, sql=key) if column.sql == pairs.ROW else column for column in columns]
        for split, table in pairs.plan_pairs(scope, kind, keyed, aspect=slug):
            yield split, table.append_column(ASPECT.name, pa.array([slug.removesuffix(PAIR_SUFFIX)] * len(table)))


def count_aspects(scope: Scope, kind: str) -> Count:
    found: Counter[str] = Counter()
    for slug, _question in sql.fetch_all(_ASKED):
        found.update(pairs.count_pairs(scope, kind, aspect=slug))
    return dict(found)


FORMAT = Format(
    kind=KIND,
    title="Pairs with a preference by aspect, pictures included",
    columns=COLUMNS,
    plan=lambda scope: plan_aspects(scope, KIND, COLUMNS),
    count=lambda scope: count_aspects(scope, KIND),
    splits=splits.SPLITS,
    key="ranking_id",
    pictures=("jpg_0", "jpg_1"),
)
