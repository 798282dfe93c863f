"""`kto`: single pictures labelled good or bad, for trainers that need no pairs (Diffusion-KTO).

The label is the majority of the votes about a picture: for it when it was preferred, against it when the other picture
was preferred or both were bad. Pictures with as many votes for as against are left out.
"""

from collections.abc import Iterator
from functools import partial

import pyarrow as pa

from ratings.releases.engine import arrow_fetch, pair_votes, splits, sql
from ratings.releases.engine.scope import Scope
from ratings.releases.formats.base import Format
from ratings.releases.formats.columns import Column, Count, Part

KIND = "kto"
_RANGE = 5_000

COLUMNS = (
    Column("caption", pa.string(), "The prompt that the picture was made from; never null.", "picture.caption"),
    Column("image", pa.binary(), "The picture: the bytes of a JPEG, not an encoded `Image`."),
    Column("label", pa.bool_(), "Whether most votes about the picture were for it.", "liking.n_for > liking.n_against"),
    Column("image_sha256", pa.string(), "SHA-256 of the bytes in `image`.", "picture.sha256"),
    Column("n_for", pa.int32(), "Votes that preferred it to another picture.", "liking.n_for"),
    Column("n_against", pa.int32(), "Votes that preferred the other one, or that both are bad.", "liking.n_against"),
    Column(
        "kto_id",
        pa.int64(),
        "Key of the row, in this table only.",
        sql.number("row", sql.json_list("picture.id")),
    ),
)

# A label depends on the other pictures too: without them, and the votes about them, it might differ.
_LIKING = """CREATE TEMP TABLE release_liking ON COMMIT DROP AS
SELECT image, count(*) FILTER (WHERE preferred = image) AS n_for,
  count(*) FILTER (WHERE preferred <> image OR outcome = 'both_bad') AS n_against,
  string_agg(DISTINCT rater::text, ' ') AS raters, string_agg(DISTINCT other::text, ' ') AS others
  FROM (SELECT low AS image, high AS other, preferred, outcome, rater, reason FROM release_vote
         UNION ALL SELECT high, low, preferred, outcome, rater, reason FROM release_vote) AS sides
  JOIN release_picture partner ON partner.id = sides.other
 WHERE sides.reason = '' AND partner.reason = '' GROUP BY image"""
_REASON = """CASE WHEN picture.reason <> '' THEN picture.reason
  WHEN liking.n_for = liking.n_against THEN 'tie' ELSE '' END"""


def _create_table(scope: Scope) -> None:
    pair_votes.create_tables(scope)
    if KIND not in scope.made:
        scope.made.add(KIND)
        sql.execute("DROP TABLE IF EXISTS pg_temp.release_liking")
        sql.execute(_LIKING)


def count(scope: Scope) -> Count:
    _create_table(scope)
    found: Count = {}
    statement = f"""SELECT {_REASON} AS reason, picture.split, count(*) FROM release_liking liking
      JOIN release_picture picture ON picture.id = liking.image GROUP BY 1, 2 ORDER BY 1, 2"""  # noqa: S608
    for reason, split, rows in sql.fetch_all(statement):
        if reason:
            scope.drop(KIND, reason, rows)
        else:
            found[split] = rows
    return found


def plan(scope: Scope) -> Iterator[Part]:
    count(scope)
    pair_votes.fill_missing_sizes(scope)
    scope.use_keys(KIND)
    private = {
        "_split": "picture.split",
        "_row": "row_number() OVER (ORDER BY picture.id)",
        "_raters": "liking.raters",
        "_images": "picture.id || ' ' || liking.others",
        "_size": "picture.size",
    }
    query = f"""SELECT {sql.select_list(COLUMNS, **private)} FROM release_liking liking
      JOIN release_picture picture ON picture.id = liking.image
     WHERE {_REASON} = '' AND picture.size IS NOT NULL AND liking.image BETWEEN %s AND %s"""  # noqa: S608 (literals of ours)
    sql.prefer_index_scans()
    fetch = partial(sql.fetch_rows, arrow_fetch.open_connection(), query, columns=COLUMNS, private=[*private])
    for table in arrow_fetch.prefetch(partial(fetch, span) for span in sql.key_ranges("release_picture", _RANGE)):
        yield from sql.split_parts(table, splits.SPLITS)


FORMAT = Format(
    kind=KIND,
    title="Single pictures with the majority of the votes for or against them",
    columns=COLUMNS,
    plan=plan,
    count=count,
    splits=splits.SPLITS,
    key="kto_id",
    pictures=("image",),
    has_files=True,
    is_optional=True,
)
