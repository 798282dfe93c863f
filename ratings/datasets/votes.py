"""`votes`: a row a comparison answer, without pictures; ties, both-bad and hidden checks included."""

from collections.abc import Iterator

import pyarrow as pa

from ratings.datasets import asking, pictures, splits
from ratings.datasets.columns import Column, Format, Planned
from ratings.datasets.pictures import Picture
from ratings.datasets.scope import Scope
from ratings.models import Comparison

KIND = "votes"

COLUMNS = (
    Column("vote_id", pa.int64(), "Key of the row, in this table alone."),
    Column("pair_id", pa.string(), "The unordered pair, in this table alone."),
    asking.RATER,
    Column("outcome", pa.string(), "`left`, `right`, `tie` or `both_bad`; left is picture 0."),
    Column("image_0_sha256", pa.string(), "The picture that stood left: its training JPEG's SHA-256."),
    Column("image_1_sha256", pa.string(), "The picture that stood right."),
    Column("caption_0", pa.string(), "The words picture 0 was made from; challenge pairs have two captions."),
    Column("caption_1", pa.string(), "The words picture 1 was made from."),
    Column("model_0", pa.string(), "The checkpoint that made picture 0."),
    Column("model_1", pa.string(), "The checkpoint that made picture 1."),
    Column("strategy", pa.string(), "How the pair was chosen."),
    *asking.QUESTION,
    *asking.DESIGN,
    asking.PROPENSITY,
    Column("side_swap", pa.bool_(), "Whether the later picture stood left."),
    Column("is_gold", pa.bool_(), "A hidden check: one side was degraded on purpose."),
    *asking.CIRCUMSTANCES,
    Column("quality_flags", pa.list_(pa.string()), "Why one may want to leave it out; nothing was left out for it."),
)


def plan(scope: Scope) -> Iterator[Planned]:
    prefixes = ("image_low__", "image_high__")
    rows = scope.ledger(Comparison.objects.all()).annotate(**asking.reasons(scope, *prefixes)).order_by("pk")
    names = (*asking.fields("ask__"), *pictures.fields(*prefixes), "reason_rater", "reason_0", "reason_1")
    keys = scope.keys(KIND)
    for row in scope.read(rows.values("pk", "rater_id", "outcome", "quality_flags", "created_at", *names)):
        low, high = (Picture.of(row, prefix) for prefix in prefixes)
        split, reason = scope.split_of_pair(low, high)
        if reason := asking.first_reason(row) or reason:
            scope.drop(KIND, reason)
            continue
        left, right = (high, low) if row["ask__is_side_swapped"] else (low, high)
        values = asking.values(row, keys, "ask__") | {
            "vote_id": keys.row(row["pk"]),
            "pair_id": keys.text("pair", low.pk, high.pk),
            "outcome": row["outcome"],
            "image_0_sha256": left.sha256,
            "image_1_sha256": right.sha256,
            "caption_0": left.caption,
            "caption_1": right.caption,
            "model_0": left.model,
            "model_1": right.model,
            "strategy": row["ask__strategy"],
            "side_swap": row["ask__is_side_swapped"],
            "is_gold": row["ask__is_gold"],
            "quality_flags": row["quality_flags"],
        }
        people = dict.fromkeys((row["rater_id"], *low.people, *high.people))
        yield Planned(split, row["pk"], values, tuple(people), (left.pk, right.pk))


FORMAT = Format(KIND, "Every answer to a comparison, without pictures", COLUMNS, plan, splits.SPLITS)
