"""`ratings`: a row an answer to an aspect question, in long form."""

from collections.abc import Iterator

import pyarrow as pa

from ratings.datasets import asking, pictures, splits
from ratings.datasets.columns import Column, Format, Planned
from ratings.datasets.pictures import Picture
from ratings.datasets.scope import Scope
from ratings.models import Rating

KIND = "ratings"

COLUMNS = (
    Column("image_sha256", pa.string(), "The picture: its training JPEG's SHA-256."),
    *asking.QUESTION,
    Column("value", pa.int8(), "1 (worst) to 5 (best), whichever way the scale was shown; null: “can't tell”."),
    asking.SCALE,
    asking.PROPENSITY,
    asking.RATER,
    Column("rating_id", pa.int64(), "Key of the row, in this table alone."),
    Column("caption", pa.string(), "The words the picture was made from."),
    Column("model", pa.string(), "The checkpoint that made it."),
    *asking.DESIGN,
    *asking.CIRCUMSTANCES,
)


def plan(scope: Scope) -> Iterator[Planned]:
    rows = scope.ledger(Rating.objects.all()).annotate(**asking.reasons(scope, "image__")).order_by("pk")
    names = (*asking.fields("ask__"), *pictures.fields("image__"), "reason_rater", "reason_0")
    keys = scope.keys(KIND)
    for row in scope.read(rows.values("pk", "rater_id", "value", "created_at", *names)):
        picture = Picture.of(row, "image__")
        split, reason = scope.split_of_picture(picture)
        if reason := asking.first_reason(row) or reason:
            scope.drop(KIND, reason)
            continue
        values = asking.values(row, keys, "ask__") | {
            "image_sha256": picture.sha256,
            "value": row["value"],
            "rating_id": keys.row(row["pk"]),
            "caption": picture.caption,
            "model": picture.model,
        }
        people = dict.fromkeys((row["rater_id"], *picture.people))
        yield Planned(split, row["pk"], values, tuple(people), (picture.pk,))


FORMAT = Format(KIND, "Every answer to a question about one picture", COLUMNS, plan, splits.SPLITS)
