"""`pairs`: one row a pair of pictures of the same prompt, in the columns of Pick-a-Pic and ours.

Public Diffusion-DPO trainers read it unchanged. What breaks them is kept out: pictures are raw bytes, labels
are 0 and 1 alone (ties live in `votes`), captions are never null, shapes are equal, sides are shuffled.
"""

from collections.abc import Iterator, Sequence
from functools import partial

import pyarrow as pa

from ratings.releases.engine import arrow_fetch, pair_votes, splits, sql
from ratings.releases.engine.scope import Scope
from ratings.releases.formats.columns import DAY, Column, Count, Format, Part

KIND = "pairs"
_RANGE = 5_000
_AUTHOR = sql.text("author", sql.listed("picture_0.author_id"))
_PROMPT = sql.text("prompt", "encode(sha256(convert_to(picture_0.prompt, 'UTF8')), 'hex')")
_ROW = sql.number("row", sql.listed("pair.low", "pair.high"))
_UID = {side: f"side.uid_{side}" for side in (0, 1)}
_BEST = f"CASE WHEN pair.winner = picture_0.id THEN {_UID[0]} ELSE {_UID[1]} END"
_LABEL = {side: f"CASE WHEN pair.winner = picture_{side}.id THEN 1.0 ELSE 0.0 END" for side in (0, 1)}
_IS_AUTHOR = "decider.rater IN (picture_0.author_id, picture_1.author_id)"
_USER = f"CASE WHEN {_IS_AUTHOR} THEN rater.self_key ELSE rater.key END"
_VOTES = {side: f"CASE WHEN picture_{side}.id = pair.low THEN pair.n_low ELSE pair.n_high END" for side in (0, 1)}
_CONSENSUS = "greatest(pair.n_low, pair.n_high)::real / (pair.n_low + pair.n_high)"

PICK_A_PIC = (
    Column("are_different", pa.bool_(), "Whether the two pictures differ; always true here.", "true"),
    Column("best_image_uid", pa.string(), "`image_0_uid` or `image_1_uid`: the picture preferred.", _BEST),
    Column("caption", pa.string(), "The words both pictures were made from; never null.", "picture_0.caption"),
    Column("created_at", DAY, "The day of the vote that `user_id` cast, UTC, without the time.", "decider.day"),
    Column("has_label", pa.bool_(), "Whether a preference was stated; always true here.", "true"),
    Column("image_0_uid", pa.string(), "Name of the first picture, in this table alone.", _UID[0]),
    Column("image_0_url", pa.string(), "Empty: the bytes are in `jpg_0`, and an address would name its author.", "''"),
    Column("image_1_uid", pa.string(), "Name of the second picture, in this table alone.", _UID[1]),
    Column("image_1_url", pa.string(), "Empty, as `image_0_url`.", "''"),
    Column("jpg_0", pa.binary(), "The first picture: the bytes of a JPEG, not an encoded `Image`."),
    Column("jpg_1", pa.binary(), "The second picture."),
    Column("label_0", pa.float64(), "1.0 if the first picture is preferred, else 0.0; never 0.5.", _LABEL[0]),
    Column("label_1", pa.float64(), "1 - `label_0`.", _LABEL[1]),
    Column("model_0", pa.string(), "The checkpoint that made the first picture.", "picture_0.model"),
    Column("model_1", pa.string(), "The checkpoint that made the second picture.", "picture_1.model"),
    Column("ranking_id", pa.int64(), "Key of the row, in this table alone.", _ROW),
    Column("user_id", pa.int64(), "The first person who voted for the preferred picture, in this table alone.", _USER),
    Column(
        "num_example_per_prompt",
        pa.int64(),
        "Rows of this split with the same `prompt_id`, when planned.",
        "side.n_of_prompt",
    ),
    Column("__index_level_0__", pa.int64(), "Position of the row in its split when planned."),
)


def _sided(name: str, kind: pa.DataType, meaning: str, column: str) -> tuple[Column, Column]:
    first, second = (Column(f"{name}_{side}", kind, meaning, f"picture_{side}.{column}") for side in (0, 1))
    return first, second


OURS = (
    Column("pair_id", pa.string(), "The pair, in this table alone.", "side.pair"),
    Column("prompt_id", pa.string(), "The normalised prompt, in this table alone.", _PROMPT),
    Column("image_0_sha256", pa.string(), "SHA-256 of the bytes in `jpg_0`.", "picture_0.sha256"),
    Column("image_1_sha256", pa.string(), "SHA-256 of the bytes in `jpg_1`.", "picture_1.sha256"),
    *(column for pair in zip(
        _sided("width", pa.int32(), "Pixels.", "width"), _sided("height", pa.int32(), "Pixels.", "height"), strict=True
    ) for column in pair),
    *_sided("seed", pa.int64(), "Seed of the picture.", "seed"),
    Column("n_votes", pa.int32(), "People who answered about this pair.", "pair.n_votes"),
    Column("n_left", pa.int32(), "Votes for picture 0 (wherever it stood on their screens).", _VOTES[0]),
    Column("n_right", pa.int32(), "Votes for picture 1.", _VOTES[1]),
    Column("n_tie", pa.int32(), "Votes for a tie.", "pair.n_tie"),
    Column("n_both_bad", pa.int32(), "Votes that both are bad.", "pair.n_both_bad"),
    Column("margin", pa.float32(), "|n_left - n_right| / n_votes.", "pair.margin"),
    Column("consensus", pa.float32(), "Votes for the preferred picture / (n_left + n_right).", _CONSENSUS),
    Column("aspect_mismatch", pa.bool_(), "Whether the shapes differ; such pairs stay out: always false.", "false"),
    Column(
        "rater_is_author",
        pa.bool_(),
        "Whether `user_id` made one of the two (then the id is of its own kind).",
        _IS_AUTHOR,
    ),
    *_sided("gen_params", pa.string(), "How the picture was made, as JSON.", "settings"),
)  # fmt: skip

# Which side is first is a coin that falls the same way whenever the same plan is made.
FIRST = f"({sql.number('side', sql.listed('pair.low', 'pair.high'))} & 1 = 1)"
_LEAVES = "of_pictures = '' AND of_votes = ''"
# What needs all pairs at once, on narrow rows: who stands first, names that a row says more than once, and its place.
_SIDES = f"""CREATE TEMP TABLE release_side ON COMMIT DROP AS
SELECT named.*, count(*) OVER (PARTITION BY picture_0.prompt) AS n_of_prompt,
  row_number() OVER (PARTITION BY picture_0.prompt, picture_0.author_id ORDER BY named.pair) AS nth,
  row_number() OVER (ORDER BY low, high) AS place
  FROM (SELECT *, {sql.text("pair", sql.listed("low", "high"))} AS pair,
          {sql.text("image", sql.listed("id_0"))} AS uid_0, {sql.text("image", sql.listed("id_1"))} AS uid_1
          FROM (SELECT nr, low, high, split, CASE WHEN heads THEN low ELSE high END AS id_0,
                  CASE WHEN heads THEN high ELSE low END AS id_1
                  FROM (SELECT nr, low, high, split, {FIRST} AS heads FROM release_pair pair
                         WHERE {_LEAVES} OFFSET 0) AS tossed) AS turned OFFSET 0) AS named
  JOIN release_picture picture_0 ON picture_0.id = id_0 AND picture_0.size IS NOT NULL
  JOIN release_picture picture_1 ON picture_1.id = id_1 AND picture_1.size IS NOT NULL"""  # noqa: S608
_SOURCE = """release_side side JOIN release_pair pair ON pair.nr = side.nr
  JOIN release_vote decider ON decider.id = pair.decider
  JOIN release_rater rater ON rater.id = decider.rater
  JOIN release_picture picture_0 ON picture_0.id = side.id_0
  JOIN release_picture picture_1 ON picture_1.id = side.id_1"""
_PRIVATE = {
    "_split": "side.split",
    "_raters": "array_to_string(pair.raters, ' ')",
    "_images": "side.id_0 || ' ' || side.id_1",
    "_size": "picture_0.size + picture_1.size",
}


def prepare(scope: Scope, kind: str) -> None:
    """Makes the tables that a format of pairs reads, under the keys of its own table."""
    pair_votes.make(scope)
    pair_votes.measure(scope)
    scope.use_keys(kind)
    pair_votes.drop_counted(scope, kind)
    sql.run("DROP TABLE IF EXISTS pg_temp.release_side")
    placed = sql.run(_SIDES)
    sql.run("CREATE UNIQUE INDEX ON release_side (place)")
    sql.run("ANALYZE release_side (nr, id_0, id_1, place, split, nth)")
    if lost := sql.rows(f"SELECT count(*) FROM release_pair WHERE {_LEAVES}")[0][0] - placed:  # noqa: S608
        scope.drop(kind, "file_missing", lost)


def planned(scope: Scope, kind: str, columns: Sequence[Column], *, with_unique: bool = False) -> Iterator[Part]:
    """The rows of a format of pairs in the order of their pictures' ids, and then the unique splits."""
    prepare(scope, kind)
    private = [*_PRIVATE, "_row"]
    query = f"""SELECT {sql.select(columns, **_PRIVATE, _row="side.place")} FROM {_SOURCE}
     WHERE side.place BETWEEN %s AND %s"""  # noqa: S608 (literals of ours)
    sql.look_up()
    opened = arrow_fetch.opened()
    spans = sql.ranges("release_side", _RANGE, "place")
    for table in arrow_fetch.one_ahead(partial(sql.stream, opened, query, span, columns, private) for span in spans):
        yield from sql.parts(table, splits.SPLITS)
    query = f"""SELECT {sql.select(columns, **_PRIVATE, _row="row_number() OVER (ORDER BY side.pair)")} FROM {_SOURCE}
     WHERE side.split = %s AND side.nth = 1 ORDER BY side.pair LIMIT %s"""  # noqa: S608
    for split, unique in splits.UNIQUE.items() if with_unique else ():
        alone = sql.stream(opened, query, [split, splits.UNIQUE_MOST], columns, private)
        for _split, table in sql.parts(alone, [split]):
            yield unique, table


def counted(scope: Scope, kind: str, *, with_unique: bool = False) -> Count:
    pair_votes.make(scope)
    pair_votes.drop_counted(scope, kind)
    found: Count = dict(sql.rows(f"SELECT split, count(*) FROM release_pair WHERE {_LEAVES} GROUP BY 1"))  # noqa: S608
    alone = f"""SELECT pair.split, count(DISTINCT (picture.prompt, picture.author_id))
      FROM release_pair pair JOIN release_picture picture ON picture.id = pair.low WHERE {_LEAVES} GROUP BY 1"""  # noqa: S608
    for split, people in sql.rows(alone) if with_unique else ():
        if split in splits.UNIQUE:
            found[splits.UNIQUE[split]] = min(people, splits.UNIQUE_MOST)
    return found


COLUMNS = PICK_A_PIC + OURS
FORMAT = Format(
    kind=KIND,
    title="Pairs with a preference, pictures included (the columns of Pick-a-Pic and ours)",
    columns=COLUMNS,
    plan=lambda scope: planned(scope, KIND, COLUMNS, with_unique=True),
    count=lambda scope: counted(scope, KIND, with_unique=True),
    splits=(*splits.SPLITS, *splits.UNIQUE.values()),
    key="ranking_id",
    pictures=("jpg_0", "jpg_1"),
    required=(splits.TRAIN, splits.VALIDATION),
)
