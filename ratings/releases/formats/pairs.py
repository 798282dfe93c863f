"""`pairs`: one row per pair of pictures of the same prompt, in the columns of Pick-a-Pic and further ones.

Public Diffusion-DPO trainers read it unchanged. What would break them is avoided: pictures are raw bytes, labels are 0
and 1 only (ties are in `votes`), captions are never null, shapes are equal, sides are shuffled.
"""

from collections.abc import Iterator, Sequence
from functools import partial

import pyarrow as pa

from ratings.releases.engine import arrow_fetch, pair_votes, splits, sql
from ratings.releases.engine.scope import Scope
from ratings.releases.formats.base import Format
from ratings.releases.formats.columns import DAY, Column, Count, Part

KIND = "pairs"
_RANGE = 5_000
_AUTHOR = sql.text("author", sql.json_list("picture_0.author_id"))
_PROMPT = sql.text("prompt", "encode(sha256(convert_to(picture_0.prompt, 'UTF8')), 'hex')")
ROW = sql.number("row", sql.json_list("pair.low", "pair.high"))
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
    Column("caption", pa.string(), "The prompt of both pictures; never null.", "picture_0.caption"),
    Column("created_at", DAY, "Day of the vote by `user_id`, UTC, without the time.", "decider.day"),
    Column("has_label", pa.bool_(), "Whether there is a preference; always true here.", "true"),
    Column("image_0_uid", pa.string(), "Name of the first picture, in this table only.", _UID[0]),
    Column("image_0_url", pa.string(), "Empty: the bytes are in `jpg_0`, and an address would name the author.", "''"),
    Column("image_1_uid", pa.string(), "Name of the second picture, in this table only.", _UID[1]),
    Column("image_1_url", pa.string(), "Empty, like `image_0_url`.", "''"),
    Column("jpg_0", pa.binary(), "The first picture: the bytes of a JPEG, not an encoded `Image`."),
    Column("jpg_1", pa.binary(), "The second picture."),
    Column("label_0", pa.float64(), "1.0 if the first picture is preferred, else 0.0; never 0.5.", _LABEL[0]),
    Column("label_1", pa.float64(), "1 - `label_0`.", _LABEL[1]),
    Column("model_0", pa.string(), "The checkpoint that made the first picture.", "picture_0.model"),
    Column("model_1", pa.string(), "The checkpoint that made the second picture.", "picture_1.model"),
    Column("ranking_id", pa.int64(), "Key of the row, in this table only.", ROW),
    Column("user_id", pa.int64(), "Pseudonym of the first rater who preferred the picture, in this table only.", _USER),
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
    Column("pair_id", pa.string(), "The pair, in this table only.", "side.pair"),
    Column("prompt_id", pa.string(), "The normalised prompt, in this table only.", _PROMPT),
    Column("image_0_sha256", pa.string(), "SHA-256 of the bytes in `jpg_0`.", "picture_0.sha256"),
    Column("image_1_sha256", pa.string(), "SHA-256 of the bytes in `jpg_1`.", "picture_1.sha256"),
    *(column for pair in zip(
        _sided("width", pa.int32(), "Pixels.", "width"), _sided("height", pa.int32(), "Pixels.", "height"), strict=True
    ) for column in pair),
    *_sided("seed", pa.int64(), "Seed of the picture.", "seed"),
    Column("n_votes", pa.int32(), "Raters who answered about this pair.", "pair.n_votes"),
    Column("n_left", pa.int32(), "Votes for picture 0 (on whichever side it was shown).", _VOTES[0]),
    Column("n_right", pa.int32(), "Votes for picture 1.", _VOTES[1]),
    Column("n_tie", pa.int32(), "Votes for a tie.", "pair.n_tie"),
    Column("n_both_bad", pa.int32(), "Votes that both are bad.", "pair.n_both_bad"),
    Column("margin", pa.float32(), "|n_left - n_right| / n_votes.", "pair.margin"),
    Column("consensus", pa.float32(), "Votes for the preferred picture / (n_left + n_right).", _CONSENSUS),
    Column("aspect_mismatch", pa.bool_(), "Whether the shapes differ; always false: such pairs are left out.", "false"),
    Column(
        "rater_is_author",
        pa.bool_(),
        "Whether `user_id` made one of the two pictures (their self-ratings have an id of their own).",
        _IS_AUTHOR,
    ),
    *_sided("gen_params", pa.string(), "How the picture was made, as JSON.", "settings"),
)  # fmt: skip

# Which picture comes first: a coin toss with the same result whenever the same plan is made.
LOW_IS_FIRST = f"({sql.number('side', sql.json_list('pair.low', 'pair.high'))} & 1 = 1)"
ELIGIBLE_PAIR = "of_pictures = '' AND of_votes = ''"
# What needs all pairs at once, on narrow rows: the order of sides, the pseudonyms, and the position of each row.
_SIDES = f"""CREATE TEMP TABLE release_side ON COMMIT DROP AS
SELECT named.*, count(*) OVER (PARTITION BY picture_0.prompt) AS n_of_prompt,
  row_number() OVER (PARTITION BY picture_0.prompt, picture_0.author_id ORDER BY named.pair) AS nth,
  row_number() OVER (ORDER BY low, high) AS position
  FROM (SELECT *, {sql.text("pair", sql.json_list("low", "high"))} AS pair,
          {sql.text("image", sql.json_list("id_0"))} AS uid_0, {sql.text("image", sql.json_list("id_1"))} AS uid_1
          FROM (SELECT nr, low, high, split, CASE WHEN low_is_first THEN low ELSE high END AS id_0,
                  CASE WHEN low_is_first THEN high ELSE low END AS id_1
                  FROM (SELECT nr, low, high, split, {LOW_IS_FIRST} AS low_is_first FROM release_pair pair
                         WHERE {ELIGIBLE_PAIR} OFFSET 0) AS coins) AS sides OFFSET 0) AS named
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


def create_tables(scope: Scope, kind: str, aspect: str = pair_votes.OVERALL) -> None:
    """Creates the tables that a format of pairs reads, with the keys of that format."""
    pair_votes.create_tables(scope, aspect)
    pair_votes.fill_missing_sizes(scope)
    scope.use_keys(kind)
    pair_votes.count_dropped(scope, kind)
    sql.execute("DROP TABLE IF EXISTS pg_temp.release_side")
    placed = sql.execute(_SIDES)
    sql.execute("CREATE UNIQUE INDEX ON release_side (position)")
    sql.execute("ANALYZE release_side (nr, id_0, id_1, position, split, nth)")
    if lost := sql.fetch_all(f"SELECT count(*) FROM release_pair WHERE {ELIGIBLE_PAIR}")[0][0] - placed:  # noqa: S608
        scope.drop(kind, "file_missing", lost)


def plan_pairs(
    scope: Scope,
    kind: str,
    columns: Sequence[Column],
    *,
    with_unique: bool = False,
    aspect: str = pair_votes.OVERALL,
) -> Iterator[Part]:
    """The rows of a format of pairs in the order of their pictures' ids, followed by the unique splits."""
    create_tables(scope, kind, aspect)
    private = [*_PRIVATE, "_row"]
    query = f"""SELECT {sql.select_list(columns, **_PRIVATE, _row="side.position")} FROM {_SOURCE}
     WHERE side.position BETWEEN %s AND %s"""  # noqa: S608 (literals of ours)
    sql.prefer_index_scans()
    database = arrow_fetch.open_connection()
    spans = sql.key_ranges("release_side", _RANGE, "position")
    for table in arrow_fetch.prefetch(
        partial(sql.fetch_rows, database, query, span, columns, private) for span in spans
    ):
        yield from sql.split_parts(table, splits.SPLITS)
    selected = sql.select_list(columns, **_PRIVATE, _row="row_number() OVER (ORDER BY side.pair)")
    query = f"""SELECT {selected} FROM {_SOURCE}
     WHERE side.split = %s AND side.nth = 1 ORDER BY side.pair LIMIT %s"""  # noqa: S608
    for split, unique in splits.UNIQUE.items() if with_unique else ():
        unique_rows = sql.fetch_rows(database, query, [split, splits.UNIQUE_MOST], columns, private)
        for _split, table in sql.split_parts(unique_rows, [split]):
            yield unique, table


def count_pairs(scope: Scope, kind: str, *, with_unique: bool = False, aspect: str = pair_votes.OVERALL) -> Count:
    pair_votes.create_tables(scope, aspect)
    pair_votes.count_dropped(scope, kind)
    found: Count = dict(sql.fetch_all(f"SELECT split, count(*) FROM release_pair WHERE {ELIGIBLE_PAIR} GROUP BY 1"))  # noqa: S608
    per_author = f"""SELECT pair.split, count(DISTINCT (picture.prompt, picture.author_id))
      FROM release_pair pair JOIN release_picture picture ON picture.id = pair.low WHERE {ELIGIBLE_PAIR} GROUP BY 1"""  # noqa: S608
    for split, n in sql.fetch_all(per_author) if with_unique else ():
        if split in splits.UNIQUE:
            found[splits.UNIQUE[split]] = min(n, splits.UNIQUE_MOST)
    return found


COLUMNS = PICK_A_PIC + OURS
FORMAT = Format(
    kind=KIND,
    title="Pairs with a preference, pictures included (the columns of Pick-a-Pic and more)",
    columns=COLUMNS,
    plan=lambda scope: plan_pairs(scope, KIND, COLUMNS, with_unique=True),
    count=lambda scope: count_pairs(scope, KIND, with_unique=True),
    splits=(*splits.SPLITS, *splits.UNIQUE.values()),
    key="ranking_id",
    pictures=("jpg_0", "jpg_1"),
    required=(splits.TRAIN, splits.VALIDATION),
)
