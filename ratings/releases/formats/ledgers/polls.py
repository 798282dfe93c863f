"""`polls`: one row per vote in a poll of the site. Polls show no picture, so that every row is in the split `train`."""

from collections.abc import Iterator
from functools import partial

import pyarrow as pa

from ratings.releases.engine import arrow_fetch, splits, sql
from ratings.releases.engine.scope import Scope
from ratings.releases.formats.base import Format
from ratings.releases.formats.columns import DAY, RATER, Column, Count, Part
from ratings.releases.formats.ledgers import ask_columns

KIND = "polls"
_LEDGER = """feed_pollvote ledger JOIN feed_poll poll ON poll.id = ledger.poll_id
 JOIN feed_polloption chosen ON chosen.id = ledger.option_id
 JOIN release_person person ON person.id = ledger.member_id
 LEFT JOIN feed_challenge challenge ON challenge.id = poll.challenge_id"""
_OPTIONS = """(SELECT jsonb_agg(listed.text ORDER BY listed.position)::text FROM feed_polloption listed
 WHERE listed.poll_id = poll.id)"""

COLUMNS = (
    Column("vote_id", pa.int64(), "Key of the row, in this table only."),
    Column("rater_id", pa.int64(), "Pseudonym of the member who voted, in this table only.", "rater.key"),
    Column("poll_id", pa.string(), "The poll, as in its address on the site.", "poll.public_id"),
    Column("question", pa.string(), "What was asked.", "poll.question"),
    Column("options", pa.string(), "The options as a JSON list, in the order in which everybody saw them.", _OPTIONS),
    Column("option", pa.int32(), "The place in that list of the option that was chosen, from 0.", "chosen.position"),
    Column("answer", pa.string(), "The option that was chosen.", "chosen.text"),
    Column("challenge_day", DAY, "Day of the challenge that the poll stood beside; null: of none.", "challenge.day"),
    Column("closes_on", DAY, "Last day of the poll, UTC.", "(poll.closes_at AT TIME ZONE 'UTC')::date"),
    ask_columns.day_of("ledger"),
)
_PRIVATE = {
    "_row": "ledger.id",
    "_split": f"'{splits.TRAIN}'::text",
    RATER: "ledger.member_id",
}


def plan(scope: Scope) -> Iterator[Part]:
    if not count(scope):  # counts what is left out
        return
    scope.use_keys(KIND)
    during, params = scope.since("ledger")
    query = f"""SELECT {sql.select_list(COLUMNS, **_PRIVATE)} FROM {_LEDGER}
      JOIN release_rater rater ON rater.id = ledger.member_id
     WHERE ledger.id BETWEEN %s AND %s AND {during}"""  # noqa: S608 (literals of ours)
    fetch = partial(sql.fetch_rows, arrow_fetch.open_connection(), query, columns=COLUMNS, private=[*_PRIVATE])
    for span in sql.key_ranges("feed_pollvote"):
        table = fetch([*span, *params])
        if table is not None:
            keys = pa.array(scope.keys(KIND).rows(table["_row"].to_pylist()))
            yield from sql.split_parts(table.append_column("vote_id", keys), (splits.TRAIN,))


def count(scope: Scope) -> Count:
    if scope.chosen.campaign:
        return {}
    during, params = scope.since("ledger")
    statement = f"SELECT person.reason, count(*) FROM {_LEDGER} WHERE {during} GROUP BY 1 ORDER BY 1"  # noqa: S608
    found: Count = {}
    for reason, rows in sql.fetch_all(statement, params):
        if reason:
            scope.drop(KIND, reason, rows)
        else:
            found[splits.TRAIN] = rows
    return found


FORMAT = Format(
    kind=KIND,
    title="Every vote in the site's polls",
    columns=COLUMNS,
    plan=plan,
    count=count,
    splits=(splits.TRAIN,),
    key="vote_id",
    about=(),
)
