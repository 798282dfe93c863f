"""`votes`: one row per comparison answer, without pictures; includes ties, both-bad and hidden checks.

`aspect_votes`: the same of comparisons by aspect.
"""

from collections.abc import Iterator

import pyarrow as pa

from ratings.releases.engine import splits, sql
from ratings.releases.engine.scope import Scope
from ratings.releases.formats.base import Format
from ratings.releases.formats.columns import Column, Count, Part
from ratings.releases.formats.ledgers import ask_columns

KIND, BY_ASPECT = "votes", "aspect_votes"
_LEDGER = "ratings_comparison ledger JOIN ratings_ask ask ON ask.id = ledger.ask_id"
_ASPECT_LEDGER = "ratings_aspectcomparison ledger JOIN ratings_ask ask ON ask.id = ledger.ask_id"
_PAIR = sql.text("pair", sql.json_list("ledger.image_low_id", "ledger.image_high_id"))

COLUMNS = (
    Column("vote_id", pa.int64(), "Key of the row, in this table only."),
    Column("pair_id", pa.string(), "The unordered pair, in this table only.", _PAIR),
    ask_columns.WHO,
    Column("outcome", pa.string(), "`left`, `right`, `tie` or `both_bad`; left is picture 0.", "ledger.outcome"),
    Column(
        "image_0_sha256",
        pa.string(),
        "The picture on the left: SHA-256 of its training JPEG.",
        "left_picture.sha256",
    ),
    Column("image_1_sha256", pa.string(), "The picture on the right.", "right_picture.sha256"),
    Column(
        "caption_0",
        pa.string(),
        "The prompt of picture 0; challenge pairs have two different prompts.",
        "left_picture.caption",
    ),
    Column("caption_1", pa.string(), "The prompt of picture 1.", "right_picture.caption"),
    Column("model_0", pa.string(), "The checkpoint that made picture 0.", "left_picture.model"),
    Column("model_1", pa.string(), "The checkpoint that made picture 1.", "right_picture.model"),
    Column("strategy", pa.string(), "How the pair was chosen.", "ask.strategy"),
    *ask_columns.QUESTION,
    *ask_columns.DESIGN,
    ask_columns.PROPENSITY,
    Column("side_swap", pa.bool_(), "Whether the later picture was on the left.", "ask.is_side_swapped"),
    *ask_columns.HIDDEN,
    *ask_columns.circumstances("ledger"),
    ask_columns.FLAGS,
)


ASPECT_COLUMNS = (
    *COLUMNS,
    Column("aspect", pa.string(), "What was compared: lighting, subject, background, colour …", "question.aspect"),
)


def plan(scope: Scope) -> Iterator[Part]:
    yield from ask_columns.plan(scope, KIND, _LEDGER, "ratings_comparison", COLUMNS, "vote_id", splits.SPLITS)


def count(scope: Scope) -> Count:
    return ask_columns.count(scope, KIND, _LEDGER)


def plan_by_aspect(scope: Scope) -> Iterator[Part]:
    source = "ratings_aspectcomparison"
    yield from ask_columns.plan(scope, BY_ASPECT, _ASPECT_LEDGER, source, ASPECT_COLUMNS, "vote_id", splits.SPLITS)


def count_by_aspect(scope: Scope) -> Count:
    return ask_columns.count(scope, BY_ASPECT, _ASPECT_LEDGER)


FORMAT = Format(
    KIND, "Every answer to a comparison, without pictures", COLUMNS, plan, count, splits.SPLITS, key="vote_id"
)

ASPECT_FORMAT = Format(
    BY_ASPECT,
    "Every answer to a comparison by aspect, without pictures",
    ASPECT_COLUMNS,
    plan_by_aspect,
    count_by_aspect,
    splits.SPLITS,
    key="vote_id",
)
