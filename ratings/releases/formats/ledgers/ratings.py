"""`ratings`: one row per answer to a question about one picture, in long form."""

from collections.abc import Iterator

import pyarrow as pa

from ratings.releases.engine import splits
from ratings.releases.engine.scope import Scope
from ratings.releases.formats.base import Format
from ratings.releases.formats.columns import ABOUT_PICTURE, Column, Count, Part
from ratings.releases.formats.ledgers import ask_columns

KIND = "ratings"
_LEDGER = "ratings_rating ledger JOIN ratings_ask ask ON ask.id = ledger.ask_id"

COLUMNS = (
    Column("image_sha256", pa.string(), "The picture: its training JPEG's SHA-256.", "left_picture.sha256"),
    *ask_columns.QUESTION,
    Column(
        "value",
        pa.int8(),
        "1 (worst) to 5 (best), whichever way the scale was shown; null: “can't tell”.",
        "ledger.value",
    ),
    ask_columns.SCALE,
    ask_columns.PROPENSITY,
    ask_columns.WHO,
    Column("rating_id", pa.int64(), "Key of the row, in this table only."),
    Column("caption", pa.string(), "The prompt that the picture was made from.", "left_picture.caption"),
    Column("model", pa.string(), "The checkpoint that made it.", "left_picture.model"),
    *ask_columns.DESIGN,
    *ask_columns.circumstances("ledger"),
    ask_columns.FLAGS,
)


def plan(scope: Scope) -> Iterator[Part]:
    yield from ask_columns.plan(scope, KIND, _LEDGER, "ratings_rating", COLUMNS, "rating_id", splits.SPLITS)


def count(scope: Scope) -> Count:
    return ask_columns.count(scope, KIND, _LEDGER)


FORMAT = Format(
    kind=KIND,
    title="Every answer to a question about one picture",
    columns=COLUMNS,
    plan=plan,
    count=count,
    splits=splits.SPLITS,
    key="rating_id",
    about=ABOUT_PICTURE,
)
