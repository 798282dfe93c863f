"""`rankings`: one row per picture of an answered ranking."""

from collections.abc import Iterator

import pyarrow as pa

from ratings.releases.engine import splits, sql
from ratings.releases.engine.scope import Scope
from ratings.releases.formats.base import Format
from ratings.releases.formats.columns import ABOUT_SEVERAL, IMAGE_0, IMAGE_1, Column, Count, Part
from ratings.releases.formats.ledgers import ask_columns

KIND = "rankings"
_LEDGER = "ratings_rankedpicture ledger JOIN ratings_ask ask ON ask.id = ledger.ask_id AND ledger.rank IS NOT NULL"
_PICTURES = {IMAGE_0: "ledger.image_id", IMAGE_1: "NULL::bigint"}
_ANSWER = sql.number("pair", sql.json_list("ledger.ask_id"))

COLUMNS = (
    Column("ranked_id", pa.int64(), "Key of the row, in this table only."),
    Column("answer_id", pa.int64(), "The ranking that the picture was in, in this table only.", _ANSWER),
    Column("image_sha256", pa.string(), "The picture: its training JPEG's SHA-256.", "left_picture.sha256"),
    Column(
        "rank",
        pa.int32(),
        "1 is the best of the answer; ranks of pictures that may not be published are missing.",
        "ledger.rank",
    ),
    Column("place", pa.int32(), "Where it stood on the screen, from 0; drawn at random.", "ledger.place"),
    Column("caption", pa.string(), "The prompt of all pictures of the answer.", "left_picture.caption"),
    Column("model", pa.string(), "The checkpoint that made it.", "left_picture.model"),
    *ask_columns.QUESTION,
    ask_columns.WHO,
    *ask_columns.DESIGN,
    ask_columns.PROPENSITY,
    *ask_columns.circumstances("ledger"),
    ask_columns.FLAGS,
)


def plan(scope: Scope) -> Iterator[Part]:
    source = "ratings_rankedpicture"
    yield from ask_columns.plan(scope, KIND, _LEDGER, source, COLUMNS, "ranked_id", splits.SPLITS, _PICTURES)


def count(scope: Scope) -> Count:
    return ask_columns.count(scope, KIND, _LEDGER, _PICTURES)


FORMAT = Format(
    kind=KIND,
    title="Every ranking of up to four pictures, a row per picture",
    columns=COLUMNS,
    plan=plan,
    count=count,
    splits=splits.SPLITS,
    key="ranked_id",
    about=ABOUT_SEVERAL,
)
