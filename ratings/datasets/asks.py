"""`asks`: every question that was put to somebody, answered or not: what corrects for who answers."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from ratings.datasets import asking, pictures, splits
from ratings.datasets.columns import Column, Format, Planned
from ratings.datasets.pictures import Picture
from ratings.datasets.scope import Scope
from ratings.models import Ask

KIND = "asks"

COLUMNS = (
    Column("ask_id", pa.int64(), "Key of the row, in this table alone."),
    asking.RATER,
    Column("image_0_sha256", pa.string(), "The picture asked about, or the one that stood left."),
    Column("image_1_sha256", pa.string(), "The one that stood right; null for a question about one picture."),
    *asking.QUESTION,
    Column("strategy", pa.string(), "How the pair was chosen; empty for a question about one picture."),
    *asking.DESIGN,
    asking.PROPENSITY,
    asking.SCALE,
    Column("side_swap", pa.bool_(), "Whether the later picture stood left."),
    Column("is_gold", pa.bool_(), "A hidden check: one side was degraded on purpose."),
    Column("was_shown", pa.bool_(), "Whether the browser said that it was on the screen."),
    Column("outcome", pa.string(), "`answered`, `skipped`, `dismissed`, `expired`, `not_rendered` or still `open`."),
    *asking.CIRCUMSTANCES,
)


def _rows(scope: Scope, prefixes: tuple[str, ...]) -> Any:
    rows = scope.ledger(Ask.objects.all()).filter(**{f"{prefixes[0]}pk__isnull": False})
    names = [f"reason_{number}" for number in range(len(prefixes))]
    own = ("pk", "rater_id", "shown_at", "outcome", "created_at", "reason_rater", *names)
    ordered = rows.annotate(**asking.reasons(scope, *prefixes)).order_by("pk")
    return scope.read(ordered.values(*own, *asking.fields(), *pictures.fields(*prefixes)))


def plan(scope: Scope) -> Iterator[Planned]:
    """The questions about one picture, then those about two."""
    for row in _rows(scope, ("image__",)):
        picture = Picture.of(row, "image__")
        yield from _planned(scope, row, (picture,), scope.split_of_picture(picture))
    for row in _rows(scope, ("image_low__", "image_high__")):
        low, high = (Picture.of(row, prefix) for prefix in ("image_low__", "image_high__"))
        shown = (high, low) if row["is_side_swapped"] else (low, high)
        yield from _planned(scope, row, shown, scope.split_of_pair(low, high))


def _planned(
    scope: Scope, row: dict[str, Any], shown: tuple[Picture, ...], where: tuple[str, str]
) -> Iterator[Planned]:
    split, reason = where
    if reason := asking.first_reason(row) or reason:
        scope.drop(KIND, reason)
        return
    keys = scope.keys(KIND)
    values = asking.values(row, keys) | {
        "ask_id": keys.row(row["pk"]),
        "image_0_sha256": shown[0].sha256,
        "image_1_sha256": shown[1].sha256 if len(shown) > 1 else None,
        "strategy": row["strategy"],
        "side_swap": row["is_side_swapped"],
        "is_gold": row["is_gold"],
        "was_shown": row["shown_at"] is not None,
        "outcome": row["outcome"],
    }
    people = dict.fromkeys((row["rater_id"], *(who for picture in shown for who in picture.people)))
    yield Planned(split, row["pk"], values, tuple(people), tuple(picture.pk for picture in shown))


FORMAT = Format(KIND, "Every question that was asked, the unanswered ones too", COLUMNS, plan, splits.SPLITS)
