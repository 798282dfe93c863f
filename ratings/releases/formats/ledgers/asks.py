"""`asks`: every question that was asked, answered or not, so that non-response can be corrected."""

from collections.abc import Iterator

import pyarrow as pa

from ratings.releases.engine import splits
from ratings.releases.engine.scope import Scope
from ratings.releases.formats.base import Format
from ratings.releases.formats.columns import ABOUT_PAIR, ABOUT_PICTURE, ABOUT_SEVERAL, Column, Count, Part
from ratings.releases.formats.ledgers import ask_columns

KIND = "asks"
# The ledger is the asks themselves; the other two ledgers join them.
_LEDGER = "ratings_ask ledger JOIN ratings_ask ask ON ask.id = ledger.id"

COLUMNS = (
    Column("ask_id", pa.int64(), "Key of the row, in this table only."),
    ask_columns.WHO,
    Column(
        "image_0_sha256",
        pa.string(),
        "The picture of the question, the one on the left, or the one of a ranking that was made first.",
        "left_picture.sha256",
    ),
    Column(
        "image_1_sha256",
        pa.string(),
        "The one on the right, or the one of a ranking that was made last; null for a question about one picture.",
        "right_picture.sha256",
    ),
    *ask_columns.QUESTION,
    Column("strategy", pa.string(), "How the pair was chosen; empty for a question about one picture.", "ask.strategy"),
    *ask_columns.DESIGN,
    ask_columns.PROPENSITY,
    ask_columns.SCALE,
    Column("side_swap", pa.bool_(), "Whether the later picture was on the left.", "ask.is_side_swapped"),
    *ask_columns.HIDDEN,
    Column(
        "was_shown",
        pa.bool_(),
        "Whether it was visible: the browser confirmed it, or the member answered, skipped or dismissed it.",
        "ask.shown_at IS NOT NULL",
    ),
    Column(
        "outcome",
        pa.string(),
        "`answered`, `skipped`, `dismissed`, `expired`, `not_rendered` or still `open`.",
        "ask.outcome",
    ),
    *ask_columns.circumstances("ledger"),
)


def plan(scope: Scope) -> Iterator[Part]:
    yield from ask_columns.plan(scope, KIND, _LEDGER, "ratings_ask", COLUMNS, "ask_id", splits.SPLITS)


def count(scope: Scope) -> Count:
    return ask_columns.count(scope, KIND, _LEDGER)


FORMAT = Format(
    kind=KIND,
    title="Every question that was asked, answered or not",
    columns=COLUMNS,
    plan=plan,
    count=count,
    splits=splits.SPLITS,
    key="ask_id",
    about=ABOUT_PICTURE + ABOUT_PAIR + ABOUT_SEVERAL,
)
