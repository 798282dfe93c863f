"""The statements that candidates come from, as SQL: putting them together costs the ORM more than answering does."""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from django.db import connection
from django.db.backends.postgresql.base import ServerBindingCursor
from django.db.models import BooleanField
from django.db.models.expressions import RawSQL

from accounts.models import User, Viewer
from feed.search.text_embeddings import DIMENSIONS, Vector
from lib.sql import open_cursor

EF_SEARCH = 1_000  # the most there is; `benchmarks.search` says how many of the nearest it finds
WORDS_AT_ONCE = 240  # rows with the words, put in order by meaning
RECENT, ENOUGH = 6_000, 32  # of so many rows, so many must hold the words for them to be common: a page and more
NEWEST = 1_000  # words of which these hold none are not that common

# Common words are common among the newest rows too, and those are read first, a bounded number. Where they hold too
# few, the words are rare and the index is asked: for whole words, which it intersects, then for beginnings, which it
# gathers one by one. `+ 0` keeps PostgreSQL from walking the whole table instead. There is one row at least: whether
# the reader has hidden prompts of their own.
_WORDED = """
    WITH newest AS MATERIALIZED (
        SELECT post_id, words @@ to_tsquery('salon', %(whole)s) AS is_whole, meaning
        FROM (SELECT * FROM feed_searchentry ORDER BY post_id DESC LIMIT {newest}) feed_searchentry
        WHERE {condition} AND words @@ to_tsquery('salon', %(wanted)s) LIMIT {limit}
    ), newer AS MATERIALIZED (
        SELECT post_id, words @@ to_tsquery('salon', %(whole)s), meaning
        FROM (SELECT * FROM feed_searchentry WHERE EXISTS (SELECT FROM newest) AND post_id <= (
                  SELECT post_id FROM feed_searchentry ORDER BY post_id DESC OFFSET {newest} LIMIT 1)
              ORDER BY post_id DESC LIMIT {newer}) feed_searchentry
        WHERE {condition} AND words @@ to_tsquery('salon', %(wanted)s) LIMIT {limit}
    ), recent AS MATERIALIZED (
        TABLE newest UNION ALL TABLE newer LIMIT {limit}
    ), whole AS MATERIALIZED (
        SELECT post_id, true, meaning FROM feed_searchentry
        WHERE (SELECT count(*) FROM recent) < {enough} AND {condition} AND words @@ to_tsquery('salon', %(whole)s)
        ORDER BY post_id + 0 DESC LIMIT {whole}
    ), begun AS MATERIALIZED (
        SELECT post_id, words @@ to_tsquery('salon', %(whole)s), meaning FROM feed_searchentry
        WHERE (SELECT count(*) FROM recent) < {enough} AND (SELECT count(*) FROM whole) < {enough}
          AND {condition} AND words @@ to_tsquery('salon', %(wanted)s)
        ORDER BY post_id + 0 DESC LIMIT {begun}
    )
    SELECT own.has_hidden, found.*, (SELECT count(*) FROM recent) < {enough} AND (SELECT count(*) FROM whole) < {enough}
    FROM (SELECT EXISTS (SELECT FROM feed_searchentry WHERE author_id = %(own)s AND is_prompt_hidden) AS has_hidden) own
    LEFT JOIN (TABLE recent UNION ALL TABLE whole UNION ALL TABLE begun) found ON true
"""
# Settings and scan travel as one message, which PostgreSQL takes as one transaction: the settings end with it.
_NEAREST = """
    SELECT set_config('hnsw.iterative_scan', 'relaxed_order', true), set_config('hnsw.ef_search', %(ef)s, true);
    SELECT post_id, meaning <=> %(towards)s AS apart FROM feed_searchentry
    WHERE meaning IS NOT NULL AND {condition} ORDER BY apart LIMIT %(limit)s
"""


class Clause(NamedTuple):
    """A condition on `feed_searchentry` and its values by name."""

    sql: str
    values: Mapping[str, Any] = MappingProxyType({})

    def __and__(self, other: "Clause") -> "Clause":
        return Clause(f"{self.sql} AND {other.sql}", {**self.values, **other.values})

    def as_filter(self) -> Any:
        """The same for a QuerySet of `SearchEntry`."""
        names = re.findall(r"%\((\w+)\)s", self.sql)
        sql = re.sub(r"%\(\w+\)s", "%s", self.sql)
        return RawSQL(f"({sql})", [self.values[name] for name in names], output_field=BooleanField())  # noqa: S611


class Worded(NamedTuple):
    """Rows with the words, some perhaps twice; `meanings` float32 (n, 384), a row of nan where it was not read yet.

    `is_all`: the words are rare, and no older row has them, unless these are as many as were asked for.
    """

    has_hidden: bool
    is_all: bool
    ids: list[int]
    is_whole: list[bool]
    meanings: Vector


class _Unprepared(ServerBindingCursor):
    """Answers in bytes, and is planned each time for the words that are asked, which may be rare or common."""

    def execute(self, query: Any, params: Any = None, **_options: Any) -> Any:
        return super().execute(query, params, prepare=False, binary=True)  # type: ignore[misc]


class Wanted(NamedTuple):
    """`words` is the tsquery that rows must match, `whole` the one without beginnings of words."""

    condition: Clause
    words: str
    whole: str


def newest_worded(wanted: Wanted, viewer: Viewer, *, whole_first: bool = True, beginnings: bool = True) -> Worded:
    """The newest rows with the words, and which of them have them whole.

    Args:
        whole_first: whether older rows with whole words may come before newer ones with beginnings.
        beginnings: whether these are looked for where the words are rare.
    """
    limits = {"whole": WORDS_AT_ONCE if whole_first else 0, "begun": WORDS_AT_ONCE if beginnings else 0}
    limits |= {"newest": NEWEST, "newer": RECENT - NEWEST, "enough": ENOUGH, "limit": WORDS_AT_ONCE}
    sql = _WORDED.format(condition=wanted.condition.sql, **limits)
    own = viewer.pk if isinstance(viewer, User) else None
    with open_cursor(_Unprepared) as cursor:
        cursor.execute(sql, {**wanted.condition.values, "wanted": wanted.words, "whole": wanted.whole, "own": own})
        rows = cursor.fetchall()
    found = [row for row in rows if row[1] is not None]
    meanings = _read([row[3] for row in found])
    return Worded(rows[0][0], rows[0][4], [row[1] for row in found], [row[2] for row in found], meanings)


def _read(sent: Sequence[bytes | None]) -> Vector:
    """Halves as PostgreSQL sends them: the number of dimensions and nothing, two bytes each, then the numbers."""
    nothing = bytes(4) + np.full(DIMENSIONS, np.nan, dtype=">f2").tobytes()
    joined = np.frombuffer(b"".join(nothing if one is None else one for one in sent), dtype=">f2")
    return joined.reshape(len(sent), DIMENSIONS + 2)[:, 2:].astype(np.float32)


def nearest(condition: Clause, vector: Vector, limit: int) -> list[tuple[int, float]]:
    """(post id, cosine distance) of the nearest rows by an HNSW index that reads on until the filters left enough;
    sorted here, because such a scan is not quite."""
    numbers = ",".join(map(str, vector.astype(np.float16).tolist()))
    with connection.cursor() as cursor:
        sql = _NEAREST.format(condition=condition.sql)
        values: dict[str, Any] = {"ef": str(EF_SEARCH), "towards": f"[{numbers}]", "limit": limit}
        cursor.execute(sql, values | dict(condition.values))
        cursor.nextset()
        return sorted(cursor.fetchall(), key=lambda row: (row[1], -row[0]))
