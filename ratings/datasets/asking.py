"""Columns that the three ledgers share: who was asked what, by chance of what, and how it stood on the screen."""

from typing import Any

import pyarrow as pa

from ratings.datasets.columns import DAY, Column
from ratings.datasets.eligibility import image_reason, rater_reason
from ratings.datasets.identity import Keys
from ratings.datasets.scope import Scope

CHANCES = ("p_ask", "p_question", "p_strategy", "p_pair", "p_side")

QUESTION = (
    Column("question_id", pa.string(), "Which question: lighting, subject, background, colour …"),
    Column("question_version", pa.int32(), "Which wording of it; the wordings are in this card."),
)
SCALE = Column("scale_direction", pa.string(), "`ascending` (worst first) or `descending`, drawn at random.")
PROPENSITY = Column("propensity", pa.float64(), "Probability of this ask: the product of the `p_` columns.")
RATER = Column("rater_id", pa.int64(), "The person asked, in this table alone; answers about own pictures: another id.")
DESIGN = (
    Column("surface", pa.string(), "`result` (asked of the maker), `post` (others) or `compare`; never pool them."),
    Column("stratum", pa.string(), "The sampling stratum."),
    Column("policy_version", pa.int32(), "The sampling policy that drew it; its numbers are in `manifest.json`."),
    Column("p_ask", pa.float64(), "Probability of asking at all."),
    Column("p_question", pa.float64(), "Probability of this question."),
    Column("p_strategy", pa.float64(), "Probability of the strategy (comparisons)."),
    Column("p_pair", pa.float64(), "Probability of this pair under all strategies (comparisons)."),
    Column("p_side", pa.float64(), "Probability of who stands left (comparisons)."),
)
CIRCUMSTANCES = (
    Column("repeat_no", pa.int32(), "0, or which hidden repeat this is."),
    Column("rater_is_author", pa.bool_(), "Whether the person asked made a picture asked about."),
    Column("dwell_ms", pa.int32(), "Milliseconds from showing to answering, as the browser told; null if unknown."),
    Column("created_at", DAY, "Day of the ask or answer, UTC, without the time."),
)

_NAMES = (
    "surface", "stratum", "policy__version", *CHANCES, "propensity", "strategy", "question__slug", "question__version",
    "repeat_no", "is_gold", "is_scale_reversed", "is_side_swapped", "rater_is_author", "dwell_ms",
)  # fmt: skip


def fields(prefix: str = "") -> list[str]:
    return [prefix + name for name in _NAMES]


def values(row: dict[str, Any], keys: Keys, prefix: str = "") -> dict[str, Any]:
    """The shared columns of a row read with `fields`; `rater_id` and `created_at` are the row's own."""
    get = {name: row[prefix + name] for name in _NAMES}
    plain = ("surface", "stratum", *CHANCES, "propensity", "repeat_no", "rater_is_author", "dwell_ms")
    return {name: get[name] for name in plain} | {
        "policy_version": get["policy__version"],
        "question_id": get["question__slug"],
        "question_version": get["question__version"],
        "scale_direction": "descending" if get["is_scale_reversed"] else "ascending",
        "rater_id": keys.rater(row["rater_id"], is_author=get["rater_is_author"]),
        "created_at": row["created_at"].date().isoformat(),
    }


def reasons(scope: Scope, *prefixes: str) -> dict[str, Any]:
    """Annotations naming why a row may not leave: the rater first, then its pictures."""
    names = [f"reason_{number}" for number in range(len(prefixes))]
    found = {
        name: image_reason(scope.chosen, scope.as_of, prefix) for name, prefix in zip(names, prefixes, strict=True)
    }
    return {"reason_rater": rater_reason(scope.chosen, scope.as_of), **found}


def first_reason(row: dict[str, Any]) -> str:
    """The first of the annotated reasons that is not empty."""
    return next((value for name, value in row.items() if name.startswith("reason_") and value), "")
