"""`kto`: single pictures that people liked or did not, for trainers that need no pairs (Diffusion-KTO).

A picture's label is what most of the votes about it say: for it when it was preferred, against it when the other
one was or both were bad. Even counts stay here.
"""

from collections.abc import Iterator
from functools import partial

import pyarrow as pa

from ratings.releases.engine import arrow_fetch, pair_votes, splits, sql
from ratings.releases.engine.scope import Scope
from ratings.releases.formats.columns import Column, Count, Format, Part

KIND = "kto"
_RANGE = 5_000

COLUMNS = (
    Column("caption", pa.string(), "The words the picture was made from; never null.", "picture.caption"),
    Column("image", pa.binary(), "The picture: the bytes of a JPEG, not an encoded `Image`."),
    Column("label", pa.bool_(), "Whether most votes about it were for it.", "said.n_for > said.n_against"),
    Column("image_sha256", pa.string(), "SHA-256 of the bytes in `image`.", "picture.sha256"),
    Column("n_for", pa.int32(), "Votes that preferred it to another picture.", "said.n_for"),
    Column("n_against", pa.int32(), "Votes that preferred the other one, or that both are bad.", "said.n_against"),
    Column(
        "kto_id",
        pa.int64(),
        "Key of the row, in this table alone.",
        sql.number("row", sql.listed("picture.id")),
    ),
)

# A label stands on the other pictures too: without them, and the votes about them, it might be another.
_SAID = """CREATE TEMP TABLE release_said ON COMMIT DROP AS
SELECT image, count(*) FILTER (WHERE preferred = image) AS n_for,
  count(*) FILTER (WHERE preferred <> image OR outcome = 'both_bad') AS n_against,
  string_agg(DISTINCT rater::text, ' ') AS raters, string_agg(DISTINCT other::text, ' ') AS others
  FROM (SELECT low AS image, high AS other, preferred, outcome, rater, reason FROM release_vote
         UNION ALL SELECT high, low, preferred, outcome, rater, reason FROM release_vote) AS turned
  JOIN release_picture partner ON partner.id = turned.other
 WHERE turned.reason = '' AND partner.reason = '' GROUP BY image"""
_REASON = """CASE WHEN picture.reason <> '' THEN picture.reason
  WHEN said.n_for = said.n_against THEN 'tie' ELSE '' END"""


def _make(scope: Scope) -> None:
    pair_votes.make(scope)
    if KIND not in scope.made:
        scope.made.add(KIND)
        sql.run(_SAID)


def count(scope: Scope) -> Count:
    _make(scope)
    found: Count = {}
    statement = f"""SELECT {_REASON} AS reason, picture.split, count(*) FROM release_said said
      JOIN release_picture picture ON picture.id = said.image GROUP BY 1, 2 ORDER BY 1, 2"""  # noqa: S608
    for reason, split, rows in sql.rows(statement):
        if reason:
            scope.drop(KIND, reason, rows)
        else:
            found[split] = rows
    return found


def plan(scope: Scope) -> Iterator[Part]:
    count(scope)
    pair_votes.measure(scope)
    scope.use_keys(KIND)
    private = {
        "_split": "picture.split",
        "_row": "row_number() OVER (ORDER BY picture.id)",
        "_raters": "said.raters",
        "_images": "picture.id || ' ' || said.others",
        "_size": "picture.size",
    }
    query = f"""SELECT {sql.select(COLUMNS, **private)} FROM release_said said
      JOIN release_picture picture ON picture.id = said.image
     WHERE {_REASON} = '' AND picture.size IS NOT NULL AND said.image BETWEEN %s AND %s"""  # noqa: S608 (literals of ours)
    sql.look_up()
    read = partial(sql.stream, arrow_fetch.opened(), query, columns=COLUMNS, private=[*private])
    for table in arrow_fetch.one_ahead(partial(read, span) for span in sql.ranges("release_picture", _RANGE)):
        yield from sql.parts(table, splits.SPLITS)


FORMAT = Format(
    kind=KIND,
    title="Single pictures that most votes were for, or against",
    columns=COLUMNS,
    plan=plan,
    count=count,
    splits=splits.SPLITS,
    key="kto_id",
    pictures=("image",),
    has_files=True,
    is_optional=True,
)
