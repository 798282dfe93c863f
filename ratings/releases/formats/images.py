"""`images`: one row per picture that a table of the release names, with its bytes.

The ledgers name pictures by their hash: with this table reward models can be trained on answers about single pictures.
"""

from collections.abc import Iterator
from functools import partial

import pyarrow as pa

from ratings.releases.engine import arrow_fetch, pair_votes, splits, sql
from ratings.releases.engine.scope import Scope
from ratings.releases.formats.base import Format
from ratings.releases.formats.columns import ABOUT_PAIR, ABOUT_PICTURE, ABOUT_SEVERAL, Column, Count, Part

KIND = "images"
_RANGE = 5_000
_KEY = sql.number("row", sql.json_list("picture.id"))

COLUMNS = (
    Column("image_sha256", pa.string(), "SHA-256 of the bytes in `image`; the other tables name it.", "picture.sha256"),
    Column("image", pa.binary(), "The picture: the bytes of a JPEG, not an encoded `Image`."),
    Column("caption", pa.string(), "The prompt that the picture was made from; never null.", "picture.caption"),
    Column("model", pa.string(), "The checkpoint that made it.", "picture.model"),
    Column("width", pa.int32(), "Pixels.", "picture.width"),
    Column("height", pa.int32(), "Pixels.", "picture.height"),
    Column("seed", pa.int64(), "Seed of the picture.", "picture.seed"),
    Column("gen_params", pa.string(), "How it was made, as JSON.", "picture.settings"),
    Column(
        "image_id", pa.int64(), "Key of the row, in this table only.", sql.number("row", sql.json_list("picture.id"))
    ),
)

# Pictures of an ask whose rater agreed too, the first of those with the same bytes: the tables name no others.
_NAMED = """CREATE TEMP TABLE release_named ON COMMIT DROP AS
SELECT DISTINCT ON (picture.sha256) picture.id FROM release_picture picture
  JOIN (SELECT unnest(ARRAY[ask.image_id, ask.image_low_id, ask.image_high_id]) AS id FROM ratings_ask ask
          JOIN release_person person ON person.id = ask.rater_id AND person.reason = '' WHERE {during}
         UNION ALL SELECT ranked.image_id FROM ratings_rankedpicture ranked
          JOIN ratings_ask ask ON ask.id = ranked.ask_id
          JOIN release_person person ON person.id = ask.rater_id AND person.reason = '' WHERE {during}) AS asked
    ON asked.id = picture.id
 WHERE picture.reason = '' ORDER BY picture.sha256, picture.id"""


def _create_table(scope: Scope) -> None:
    if KIND in scope.made:
        return
    scope.made.add(KIND)
    during, params = scope.of_asks("ask")
    sql.execute("DROP TABLE IF EXISTS pg_temp.release_named")
    sql.execute(_NAMED.format(during=during), [*params, *params])
    sql.execute("CREATE UNIQUE INDEX ON release_named (id)")
    sql.execute("ANALYZE release_named")


def count(scope: Scope) -> Count:
    _create_table(scope)
    return dict(sql.fetch_all("SELECT split, count(*) FROM release_named JOIN release_picture USING (id) GROUP BY 1"))


def plan(scope: Scope) -> Iterator[Part]:
    _create_table(scope)
    pair_votes.fill_sizes("SELECT id FROM release_named")
    scope.use_keys(KIND)
    lost = sql.fetch_all(
        "SELECT count(*) FROM release_named JOIN release_picture picture USING (id) WHERE picture.size IS NULL"
    )[0][0]
    if lost:
        scope.drop(KIND, "file_missing", lost)
    private = {
        "_split": "picture.split",
        "_row": "picture.id",
        "_raters": "''",
        "_images": "picture.id::text",
        "_size": "picture.size",
    }
    query = f"""SELECT {sql.select_list(COLUMNS, **private)} FROM release_named named
      JOIN release_picture picture ON picture.id = named.id
     WHERE picture.size IS NOT NULL AND named.id BETWEEN %s AND %s"""  # noqa: S608 (literals of ours)
    sql.prefer_index_scans()
    fetch = partial(sql.fetch_rows, arrow_fetch.open_connection(), query, columns=COLUMNS, private=[*private])
    for table in arrow_fetch.prefetch(partial(fetch, span) for span in sql.key_ranges("release_named", _RANGE)):
        yield from sql.split_parts(table, splits.SPLITS)


FORMAT = Format(
    kind=KIND,
    title="Every picture that the other tables name, with its bytes",
    columns=COLUMNS,
    plan=plan,
    count=count,
    splits=splits.SPLITS,
    key="image_id",
    about=ABOUT_PICTURE + ABOUT_PAIR + ABOUT_SEVERAL,
    pictures=("image",),
)
