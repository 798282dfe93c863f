"""Columns that `asks`, `ratings` and `votes` share: who was asked what, with which probability, presented how.

Their SQL uses the tables ``ledger`` and ``ask``, which a plan joins, or names a value that `shared_values` looks up.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ratings.releases.engine import arrow_fetch, sql
from ratings.releases.engine.scope import Scope
from ratings.releases.formats.columns import DAY, IMAGE_0, IMAGE_1, RATER, Column, Count, Part
from ratings.releases.formats.ledgers.shared_values import (
    POLICY_ID,
    QUESTION_ID,
    LookupTable,
    SharedValues,
    fetch_pictures,
    is_shared,
)

if TYPE_CHECKING:
    from psycopg import Connection

CHANCES = ("p_ask", "p_question", "p_strategy", "p_pair", "p_side")

QUESTION = (
    Column("question_id", pa.string(), "Which question: lighting, subject, background, colour …", "question.slug"),
    Column("question_version", pa.int32(), "Which wording of it; the wordings are in this card.", "question.version"),
    Column("language", pa.string(), "The language that the wording was shown in.", "ask.language"),
)
SCALE = Column(
    "scale_direction",
    pa.string(),
    "`ascending` (worst first) or `descending`, drawn at random.",
    "CASE WHEN ask.is_scale_reversed THEN 'descending' ELSE 'ascending' END",
)
PROPENSITY = Column(
    "propensity", pa.float64(), "Probability of this ask: the product of the `p_` columns.", "ask.propensity"
)
WHO = Column(
    "rater_id",
    pa.int64(),
    "Pseudonym of the rater, in this table only; answers about own pictures have another one.",
    "rater.key",
)
DESIGN = (
    Column(
        "surface",
        pa.string(),
        "`result` (asks the author), `post` (asks others), `compare`, `aspect`, `marks`, `ranking` or `campaign`; never"
        " pool them.",
        "ask.surface",
    ),
    Column("stratum", pa.string(), "The sampling stratum.", "ask.stratum"),
    Column(
        "policy_version",
        pa.int32(),
        "The sampling policy that drew it; its parameters are in `manifest.json`.",
        "policy.version",
    ),
    Column("p_ask", pa.float64(), "Probability of asking at all.", "ask.p_ask"),
    Column("p_question", pa.float64(), "Probability of this question.", "ask.p_question"),
    Column("p_strategy", pa.float64(), "Probability of the strategy (comparisons).", "ask.p_strategy"),
    Column(
        "p_pair",
        pa.float64(),
        "Probability of this pair, given the strategy that was drawn (comparisons).",
        "ask.p_pair",
    ),
    Column("p_side", pa.float64(), "Probability of which picture is on the left (comparisons).", "ask.p_side"),
)

HIDDEN = (
    Column("is_gold", pa.bool_(), "A hidden check: one side was degraded on purpose.", "ask.is_gold"),
    Column(
        "is_high_spoiled",
        pa.bool_(),
        "Of a hidden check: whether the later picture was the degraded one; null elsewhere.",
        "ask.is_high_spoiled",
    ),
)
FLAGS = Column(
    "quality_flags",
    pa.list_(pa.string()),
    "Reasons to doubt the answer; no row was left out because of them.",
    "flagged.flags",
)


def day_of(ledger: str) -> Column:
    """The day of a row of the table `ledger`."""
    day = f"({ledger}.created_at AT TIME ZONE 'UTC')::date"
    return Column("created_at", DAY, "Day of the ask or answer, UTC, without the time.", day)


def circumstances(ledger: str) -> tuple[Column, ...]:
    """Columns of the circumstances; the day is taken from the table `ledger`."""
    return (
        Column("repeat_no", pa.int32(), "0, or which hidden repeat this is.", "ask.repeat_no"),
        Column(
            "rater_is_author", pa.bool_(), "Whether the rater made a picture of the question.", "ask.rater_is_author"
        ),
        Column(
            "dwell_ms",
            pa.int32(),
            "Milliseconds from showing to answering, as the browser measured; null if unknown.",
            "ask.dwell_ms",
        ),
        day_of(ledger),
    )


_SIDE = """CASE WHEN ask.image_id IS NOT NULL THEN {}
 WHEN ask.is_side_swapped THEN ask.image_{}_id ELSE ask.image_{}_id END"""
# Ids that rows are looked up by; `IMAGE_0` is the only picture, or the one on the left.
_IDS = {
    "_row": "ledger.id",
    RATER: "ask.rater_id",
    IMAGE_0: _SIDE.format("ask.image_id", "high", "low"),
    IMAGE_1: _SIDE.format("NULL", "low", "high"),
    QUESTION_ID: "ask.question_id",
    POLICY_ID: "ask.policy_id",
}
_REASON = """coalesce(nullif(person.reason, ''), nullif(left_picture.reason, ''), nullif(right_picture.reason, ''),
 CASE WHEN left_picture.split <> right_picture.split THEN 'prompts_in_two_splits' END)"""


def count(scope: Scope, kind: str, ledger: str, ids: Mapping[str, str] = MappingProxyType({})) -> Count:
    """{split: rows} of a ledger; rows left out are counted on the scope. `ids` as in `plan`."""
    ids = {**_IDS, **ids}
    during, params = scope.of_asks()
    found: Count = {}
    statement = f"""SELECT {_REASON} AS reason, left_picture.split, count(*) FROM {ledger}
      JOIN release_person person ON person.id = ask.rater_id
      JOIN release_picture left_picture ON left_picture.id = {ids[IMAGE_0]}
      LEFT JOIN release_picture right_picture ON right_picture.id = {ids[IMAGE_1]}
     WHERE {during} GROUP BY 1, 2 ORDER BY 1, 2"""  # noqa: S608 (literals of ours)
    for reason, split, rows in sql.fetch_all(statement, params):
        if reason:
            scope.drop(kind, reason, rows)
        else:
            found[split] = found.get(split, 0) + rows
    return found


def plan(
    scope: Scope,
    kind: str,
    ledger: str,
    source: str,
    columns: Sequence[Column],
    key: str,
    splits: Sequence[str],
    ids: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Part]:
    """The rows of a ledger, a range of keys at a time; rows left out are counted on the scope.

    Args:
        ids: SQL for `IMAGE_0` and `IMAGE_1`, where they are not the pictures of the ask.
    """
    ids = {**_IDS, **ids}
    scope.use_keys(kind)
    during, params = scope.of_asks()
    selected = [column for column in columns if not is_shared(column)]
    query = f"""SELECT {sql.select_list(selected, **ids)} FROM {ledger}
      LEFT JOIN release_flag flagged ON flagged.ask_id = ask.id
     WHERE ledger.id BETWEEN %s AND %s AND ask.id BETWEEN %s AND %s AND {during}"""  # noqa: S608 (literals of ours)
    database, keys = arrow_fetch.open_connection(), scope.keys(kind)

    def fetch(span: tuple[int, int]) -> tuple[pa.Table, LookupTable] | None:
        bounds = [*span, *_range_of_asks(database, source, span), *params]
        table = sql.fetch_rows(database, query, bounds, selected, [*ids])
        return None if table is None else (table, fetch_pictures(database, table))

    shared = SharedValues(database)
    for fetched in arrow_fetch.prefetch(partial(fetch, span) for span in sql.key_ranges(source)):
        if fetched is not None:
            table = _drop_ineligible(scope, kind, shared.resolve(*fetched, columns))
            yield from sql.split_parts(table.append_column(key, pa.array(keys.rows(table["_row"].to_pylist()))), splits)


def _drop_ineligible(scope: Scope, kind: str, table: pa.Table) -> pa.Table:
    for reason in table["_reason"].drop_null().value_counts().to_pylist():
        scope.drop(kind, reason["values"], reason["counts"])
    return table.filter(table["_reason"].is_null()).drop_columns(["_reason", QUESTION_ID, POLICY_ID])


def _range_of_asks(database: "Connection[Any]", source: str, span: tuple[int, int]) -> tuple[int | None, int | None]:
    """The first and last ask of a range of a ledger; neighbouring rows were asked at about the same time.

    Without these bounds the planner reads all asks for each range.
    """
    if source == "ratings_ask":
        return span
    # OFFSET 0: else the planner walks through the index of asks until one of them is in the range.
    statement = f"""SELECT min(ask_id), max(ask_id) FROM (
      SELECT ask_id FROM {source} WHERE id BETWEEN %s AND %s OFFSET 0) AS asked"""  # noqa: S608 (a literal of ours)
    first, last = arrow_fetch.fetch_first_row(database, statement, span) or (None, None)
    return first, last
