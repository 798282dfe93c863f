"""`pairs`: one row a pair of pictures of the same prompt, in the columns of Pick-a-Pic and ours.

Public Diffusion-DPO trainers read it unchanged. What breaks them is kept out: pictures are raw bytes, labels
are 0 and 1 alone (ties live in `votes`), captions are never null, shapes are equal, sides are shuffled.
"""

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

import pyarrow as pa

from ratings.datasets import splits
from ratings.datasets.columns import DAY, Column, Format, Planned
from ratings.datasets.eligibility import both, image_reason, rater_reason
from ratings.datasets.identity import Keys
from ratings.datasets.pictures import Picture, fields, training_size
from ratings.datasets.scope import Scope
from ratings.datasets.tally import Tally, Vote, count
from ratings.models import Comparison

KIND = "pairs"

PICK_A_PIC = (
    Column("are_different", pa.bool_(), "Whether the two pictures differ; always true here."),
    Column("best_image_uid", pa.string(), "`image_0_uid` or `image_1_uid`: the picture preferred."),
    Column("caption", pa.string(), "The words both pictures were made from; never null."),
    Column("created_at", DAY, "The day of the vote that `user_id` cast, UTC, without the time."),
    Column("has_label", pa.bool_(), "Whether a preference was stated; always true here."),
    Column("image_0_uid", pa.string(), "Name of the first picture, in this table alone."),
    Column("image_0_url", pa.string(), "Empty: the bytes are in `jpg_0`, and an address would name its author."),
    Column("image_1_uid", pa.string(), "Name of the second picture, in this table alone."),
    Column("image_1_url", pa.string(), "Empty, as `image_0_url`."),
    Column("jpg_0", pa.binary(), "The first picture: the bytes of a JPEG, not an encoded `Image`."),
    Column("jpg_1", pa.binary(), "The second picture."),
    Column("label_0", pa.float64(), "1.0 if the first picture is preferred, else 0.0; never 0.5."),
    Column("label_1", pa.float64(), "1 - `label_0`."),
    Column("model_0", pa.string(), "The checkpoint that made the first picture."),
    Column("model_1", pa.string(), "The checkpoint that made the second picture."),
    Column("ranking_id", pa.int64(), "Key of the row, in this table alone."),
    Column("user_id", pa.int64(), "The first person who voted for the preferred picture, in this table alone."),
    Column("num_example_per_prompt", pa.int64(), "Rows of this split with the same `prompt_id`, when planned."),
    Column("__index_level_0__", pa.int64(), "Position of the row in its split when planned."),
)

OURS = (
    Column("pair_id", pa.string(), "The pair, in this table alone."),
    Column("prompt_id", pa.string(), "The normalised prompt, in this table alone."),
    Column("image_0_sha256", pa.string(), "SHA-256 of the bytes in `jpg_0`."),
    Column("image_1_sha256", pa.string(), "SHA-256 of the bytes in `jpg_1`."),
    Column("width_0", pa.int32(), "Pixels."),
    Column("height_0", pa.int32(), "Pixels."),
    Column("width_1", pa.int32(), "Pixels."),
    Column("height_1", pa.int32(), "Pixels."),
    Column("seed_0", pa.int64(), "Seed of the first picture."),
    Column("seed_1", pa.int64(), "Seed of the second picture."),
    Column("n_votes", pa.int32(), "People who answered about this pair."),
    Column("n_left", pa.int32(), "Votes for picture 0 (wherever it stood on their screens)."),
    Column("n_right", pa.int32(), "Votes for picture 1."),
    Column("n_tie", pa.int32(), "Votes for a tie."),
    Column("n_both_bad", pa.int32(), "Votes that both are bad."),
    Column("margin", pa.float32(), "|n_left - n_right| / n_votes."),
    Column("consensus", pa.float32(), "Votes for the preferred picture / (n_left + n_right)."),
    Column("aspect_mismatch", pa.bool_(), "Whether the shapes differ; such pairs stay out, so always false here."),
    Column("rater_is_author", pa.bool_(), "Whether `user_id` made one of the two (then the id is of its own kind)."),
    Column("gen_params_0", pa.string(), "How the first picture was made, as JSON."),
    Column("gen_params_1", pa.string(), "How the second picture was made, as JSON."),
)


def _votes(scope: Scope) -> Any:
    rows = scope.ledger(Comparison.objects.all()).annotate(
        low_reason=image_reason(scope.chosen, scope.as_of, "image_low__"),
        high_reason=image_reason(scope.chosen, scope.as_of, "image_high__"),
        rater_reason=rater_reason(scope.chosen, scope.as_of),
    )
    rows = rows.annotate(image_reason=both("low_reason", "high_reason"))
    own = ("pk", "rater_id", "preferred_id", "outcome", "repeat_no", "quality_flags", "created_at", "ask__is_gold")
    names = (*own, "image_reason", "rater_reason", *fields("image_low__", "image_high__"))
    return scope.read(rows.order_by("image_low_id", "image_high_id", "pk").values(*names))


def _countable(scope: Scope, votes: list[dict[str, Any]]) -> Iterator[Vote]:
    for row in votes:
        reason = row["rater_reason"] or (
            "gold"
            if row["ask__is_gold"]
            else "repeat"
            if row["repeat_no"]
            else "flagged"
            if row["quality_flags"]
            else ""
        )
        if reason:
            scope.drop(KIND, f"vote_{reason}")
        else:
            bad = row["outcome"] == Comparison.Outcome.BOTH_BAD
            yield Vote(row["rater_id"], row["preferred_id"], bad, row["created_at"])


def _pair_reason(scope: Scope, low: Picture, high: Picture) -> str:
    if splits.normalise_prompt(low.caption) != splits.normalise_prompt(high.caption):
        return "different_prompts"
    if low.sha256 == high.sha256:
        return "identical"
    if not low.has_shape_of(high):
        return "aspect_mismatch"
    return scope.split_of_pair(low, high)[1]


def plan(scope: Scope) -> Iterator[Planned]:
    """Rows in the order of their pictures' ids: stable, and one pass over the votes."""
    for _pair, rows in groupby(_votes(scope), key=itemgetter("image_low__pk", "image_high__pk")):
        votes = list(rows)
        low, high = (Picture.of(votes[0], prefix) for prefix in ("image_low__", "image_high__"))
        if reason := votes[0]["image_reason"] or _pair_reason(scope, low, high):
            scope.drop(KIND, reason)
            continue
        cast = list(_countable(scope, votes))
        tally = count(cast, low.pk, high.pk)
        if tally.decider is None:
            scope.drop(KIND, "tie" if cast else "no_votes_left")
            continue
        sizes = [training_size(picture) for picture in (low, high)]
        if None in sizes:
            scope.drop(KIND, "file_missing")
            continue
        people = dict.fromkeys((*low.people, *high.people, *(vote.rater for vote in cast)))
        first, second = (low, high) if scope.keys(KIND).coin(low.pk, high.pk) else (high, low)
        yield Planned(
            split=scope.split(low.caption),
            row_id=low.pk,
            values=_values(scope.keys(KIND), first, second, tally, tally.decider),
            people=tuple(people),
            images=(first.pk, second.pk),
            size=sum(size or 0 for size in sizes),
        )


def _values(keys: Keys, first: Picture, second: Picture, tally: Tally, decider: Vote) -> dict[str, Any]:
    """The frozen columns; position, examples per prompt and pictures are filled in later."""
    low, high = sorted((first.pk, second.pk))
    is_author = decider.rater in {first.author_id, second.author_id}
    uids = {picture.pk: keys.text("image", picture.pk) for picture in (first, second)}
    label = float(decider.preferred == first.pk)
    votes = {low: tally.n_low, high: tally.n_high}
    values = {
        "are_different": True,
        "best_image_uid": uids[decider.preferred or 0],
        "caption": first.caption,
        "created_at": decider.at.date().isoformat(),
        "has_label": True,
        "label_0": label,
        "label_1": 1.0 - label,
        "ranking_id": keys.row(f"{low}-{high}"),
        "user_id": keys.rater(decider.rater, is_author=is_author),
        "pair_id": keys.text("pair", low, high),
        "prompt_id": keys.text("prompt", splits.normalise_prompt(first.caption)),
        "_author": keys.text("author", first.author_id),  # for the unique splits; no column
        "n_votes": tally.n_votes,
        "n_left": votes[first.pk],
        "n_right": votes[second.pk],
        "n_tie": tally.n_tie,
        "n_both_bad": tally.n_both_bad,
        "margin": tally.margin,
        "consensus": tally.consensus,
        "aspect_mismatch": not first.has_shape_of(second),
        "rater_is_author": is_author,
    }
    for side, picture in enumerate((first, second)):
        values |= {
            f"image_{side}_uid": uids[picture.pk],
            f"image_{side}_url": "",
            f"model_{side}": picture.model,
            f"image_{side}_sha256": picture.sha256,
            f"width_{side}": picture.width,
            f"height_{side}": picture.height,
            f"seed_{side}": picture.seed,
            f"gen_params_{side}": picture.settings_json,
        }
    return values


FORMAT = Format(
    kind=KIND,
    title="Pairs with a preference, pictures included (the columns of Pick-a-Pic and ours)",
    columns=PICK_A_PIC + OURS,
    plan=plan,
    splits=(*splits.SPLITS, *splits.UNIQUE.values()),
    pictures=("jpg_0", "jpg_1"),
    required=(splits.TRAIN, splits.VALIDATION),
    unique=splits.UNIQUE,
)
