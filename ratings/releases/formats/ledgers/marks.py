"""`marks`: one row per place that was marked in a picture, and one without a place per answer that marked none."""

from collections.abc import Iterator

import pyarrow as pa

from ratings.releases.engine import splits, sql
from ratings.releases.engine.scope import Scope
from ratings.releases.formats.base import Format
from ratings.releases.formats.columns import ABOUT_PICTURE, Column, Count, Part
from ratings.releases.formats.ledgers import ask_columns

KIND = "marks"
_LEDGER = "ratings_regionmark ledger JOIN ratings_ask ask ON ask.id = ledger.ask_id"
_ANSWER = sql.number("pair", sql.json_list("ledger.ask_id"))

COLUMNS = (
    Column("mark_id", pa.int64(), "Key of the row, in this table only."),
    Column("answer_id", pa.int64(), "The answer that the mark is part of, in this table only.", _ANSWER),
    Column("image_sha256", pa.string(), "The picture: its training JPEG's SHA-256.", "left_picture.sha256"),
    Column(
        "aspect", pa.string(), "`artefacts`, or `prompt-match`: what does not follow the prompt.", "question.aspect"
    ),
    Column(
        "x",
        pa.float64(),
        "Share of the width, 0…1 from the left; null: nothing was marked.",
        "ledger.x",
    ),
    Column(
        "y",
        pa.float64(),
        "Share of the height, 0…1 from the top; null: nothing was marked.",
        "ledger.y",
    ),
    Column("word", pa.string(), "A word of what is wrong, or empty.", "ledger.word"),
    Column("number", pa.int32(), "Which mark of the answer, from 1; 0: nothing was marked.", "ledger.number"),
    Column("caption", pa.string(), "The prompt that the picture was made from.", "left_picture.caption"),
    Column("model", pa.string(), "The checkpoint that made it.", "left_picture.model"),
    *ask_columns.QUESTION,
    ask_columns.WHO,
    *ask_columns.DESIGN,
    ask_columns.PROPENSITY,
    *ask_columns.circumstances("ledger"),
    ask_columns.FLAGS,
)


def plan(scope: Scope) -> Iterator[Part]:
    yield from ask_columns.plan(scope, KIND, _LEDGER, "ratings_regionmark", COLUMNS, "mark_id", splits.SPLITS)


def count(scope: Scope) -> Count:
    return ask_columns.count(scope, KIND, _LEDGER)


FORMAT = Format(
    kind=KIND,
    title="Every place that was marked as wrong in a picture",
    columns=COLUMNS,
    plan=plan,
    count=count,
    splits=splits.SPLITS,
    key="mark_id",
    about=ABOUT_PICTURE,
)
