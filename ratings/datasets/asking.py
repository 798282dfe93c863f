"""Columns that the three ledgers share: who was asked what, by chance of what, and how it stood on the screen.

Their SQL speaks of ``ask``, ``question``, ``policy`` and ``rater``, which every plan of a ledger joins.
"""

from collections.abc import Iterator, Sequence

import pyarrow as pa

from ratings.datasets import sql
from ratings.datasets.columns import DAY, Column, Count, Part
from ratings.datasets.scope import Scope

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
RATER = Column(
    "rater_id",
    pa.int64(),
    "The person asked, in this table alone; answers about own pictures: another id.",
    "CASE WHEN ask.rater_is_author THEN rater.self_key ELSE rater.key END",
)
DESIGN = (
    Column(
        "surface", pa.string(), "`result` (the maker), `post` (others) or `compare`; never pool them.", "ask.surface"
    ),
    Column("stratum", pa.string(), "The sampling stratum.", "ask.stratum"),
    Column(
        "policy_version",
        pa.int32(),
        "The sampling policy that drew it; its numbers are in `manifest.json`.",
        "policy.version",
    ),
    Column("p_ask", pa.float64(), "Probability of asking at all.", "ask.p_ask"),
    Column("p_question", pa.float64(), "Probability of this question.", "ask.p_question"),
    Column("p_strategy", pa.float64(), "Probability of the strategy (comparisons).", "ask.p_strategy"),
    Column("p_pair", pa.float64(), "Probability of this pair under all strategies (comparisons).", "ask.p_pair"),
    Column("p_side", pa.float64(), "Probability of who stands left (comparisons).", "ask.p_side"),
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
    "Why one may want to leave it out; nothing was left out for it.",
    "flagged.flags",
)


def circumstances(ledger: str) -> tuple[Column, ...]:
    """`ledger` is what the day is taken from: ``ask``, ``rating`` or ``comparison``."""
    day = f"({ledger}.created_at AT TIME ZONE 'UTC')::date"
    return (
        Column("repeat_no", pa.int32(), "0, or which hidden repeat this is.", "ask.repeat_no"),
        Column(
            "rater_is_author", pa.bool_(), "Whether the person asked made a picture asked about.", "ask.rater_is_author"
        ),
        Column(
            "dwell_ms",
            pa.int32(),
            "Milliseconds from showing to answering, as the browser told; null if unknown.",
            "ask.dwell_ms",
        ),
        Column("created_at", DAY, "Day of the ask or answer, UTC, without the time.", day),
    )


_ASKED = """JOIN ratings_question question ON question.id = ask.question_id
 JOIN ratings_policy policy ON policy.id = ask.policy_id
 LEFT JOIN release_flag flagged ON flagged.ask_id = ask.id"""
# The pictures as they stood: one, or a pair whose left one is `left_picture`.
_SHOWN = {
    1: "JOIN release_picture left_picture ON left_picture.id = ask.image_id",
    2: """JOIN release_picture left_picture
   ON left_picture.id = CASE WHEN ask.is_side_swapped THEN ask.image_high_id ELSE ask.image_low_id END
 JOIN release_picture right_picture
   ON right_picture.id = CASE WHEN ask.is_side_swapped THEN ask.image_low_id ELSE ask.image_high_id END""",
}
_REASON = {
    1: "CASE WHEN person.reason <> '' THEN person.reason ELSE left_picture.reason END",
    2: """CASE WHEN person.reason <> '' THEN person.reason WHEN left_picture.reason <> '' THEN left_picture.reason
 WHEN right_picture.reason <> '' THEN right_picture.reason
 WHEN left_picture.split <> right_picture.split THEN 'prompts_in_two_splits' ELSE '' END""",
}
_LEAVES = {
    1: "left_picture.reason = ''",
    2: "left_picture.reason = '' AND right_picture.reason = '' AND left_picture.split = right_picture.split",
}


def count(scope: Scope, kind: str, ledger: str, shown: int) -> Count:
    """{split: rows} of a ledger whose questions are about `shown` pictures; what stays is counted on the scope."""
    during, params = scope.since("ledger")
    found: Count = {}
    statement = f"""SELECT {_REASON[shown]} AS reason, left_picture.split, count(*)
      FROM {ledger} JOIN release_person person ON person.id = ask.rater_id {_SHOWN[shown]}
     WHERE {during} GROUP BY 1, 2 ORDER BY 1, 2"""  # noqa: S608 (literals of ours)
    for reason, split, rows in sql.rows(statement, params):
        if reason:
            scope.drop(kind, reason, rows)
        else:
            found[split] = found.get(split, 0) + rows
    return found


def plan(
    scope: Scope, ledger: str, table: str, shown: int, columns: Sequence[Column], splits: Sequence[str]
) -> Iterator[Part]:
    """The rows that leave, a range of keys at a time. Call `scope.use_keys` before."""
    during, params = scope.since("ledger")
    pictures = {"_image_0": "left_picture.id", "_image_1": "right_picture.id" if shown == 2 else "NULL::bigint"}
    private = {"_split": "left_picture.split", "_row": "ledger.id", "_rater": "ask.rater_id"} | pictures
    query = f"""SELECT {sql.select(columns, **private)} FROM {ledger} {_ASKED}
      JOIN release_rater rater ON rater.id = ask.rater_id {_SHOWN[shown]}
     WHERE ledger.id BETWEEN %s AND %s AND ask.id BETWEEN %s AND %s
       AND {during} AND {_LEAVES[shown]}"""  # noqa: S608 (literals of ours)
    for span in sql.ranges(table):
        bounds = _asks_of(table, span)
        yield from sql.parts(sql.stream(query, [*span, *bounds, *params], columns, [*private]), splits)


def _asks_of(table: str, span: tuple[int, int]) -> tuple[int | None, int | None]:
    """The first and last ask of a range of a ledger: they were asked soon after another.

    Without it the planner reads all the asks for each range.
    """
    if table == "ratings_ask":
        return span
    statement = f"SELECT min(ask_id), max(ask_id) FROM {table} WHERE id BETWEEN %s AND %s"  # noqa: S608 (a literal)
    ((first, last),) = sql.rows(statement, span)
    return first, last
