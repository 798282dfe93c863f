"""`ratings`: a row an answer to an aspect question, in long form."""

from collections.abc import Iterator

import pyarrow as pa

from ratings.datasets import asking, splits
from ratings.datasets.columns import ABOUT_PICTURE, Column, Count, Format, Part
from ratings.datasets.scope import Scope

KIND = "ratings"
_LEDGER = "ratings_rating ledger JOIN ratings_ask ask ON ask.id = ledger.ask_id"

COLUMNS = (
    Column("image_sha256", pa.string(), "The picture: its training JPEG's SHA-256.", "left_picture.sha256"),
    *asking.QUESTION,
    Column(
        "value",
        pa.int8(),
        "1 (worst) to 5 (best), whichever way the scale was shown; null: “can't tell”.",
        "ledger.value",
    ),
    asking.SCALE,
    asking.PROPENSITY,
    asking.WHO,
    Column("rating_id", pa.int64(), "Key of the row, in this table alone."),
    Column("caption", pa.string(), "The words the picture was made from.", "left_picture.caption"),
    Column("model", pa.string(), "The checkpoint that made it.", "left_picture.model"),
    *asking.DESIGN,
    *asking.circumstances("ledger"),
    asking.FLAGS,
)


def plan(scope: Scope) -> Iterator[Part]:
    yield from asking.plan(scope, KIND, _LEDGER, "ratings_rating", COLUMNS, "rating_id", splits.SPLITS)


def count(scope: Scope) -> Count:
    return asking.count(scope, KIND, _LEDGER)


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
