"""The SQL that finds candidates: building these statements with the ORM would take longer than running them."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from django.contrib.postgres.search import SearchQuery
from django.db import connection
from django.db.backends.postgresql.base import ServerBindingCursor
from django.db.models import BooleanField
from django.db.models.expressions import RawSQL

from accounts.models import User, Viewer
from feed.search.embeddings.vectors import TEXT_DIMENSIONS, Vector
from lib.sql import open_cursor
from lib.text.regex import compile_linear

_PLACEHOLDER = compile_linear(r"%\(([0-9A-Za-z_]+)\)s")
EF_SEARCH = 1_000  # pgvector's maximum; `benchmarks.search` measures the recall
WORDS_AT_ONCE = 240  # rows with the words, which are then sorted by similarity
RECENT, ENOUGH = 6_000, 32  # words are common if ENOUGH of the RECENT rows have them: more than a page
NEWEST = 1_000  # words that none of these rows have are not common

# Common words are common among the newest rows too, so a bounded number of those is read first. If too few of them
# have the words, the words are rare and the index is used: for whole words, which it intersects, then for prefixes,
# which it collects one by one. `+ 0` keeps PostgreSQL from scanning the table in order instead. There is always at
# least one row, which says whether the viewer has hidden prompts of their own.
_BY_WORDS = """
    WITH newest AS MATERIALIZED (
        SELECT post_id, lexemes @@ %(whole)s::tsquery AS is_whole, meaning
        FROM (SELECT * FROM feed_searchentry ORDER BY post_id DESC LIMIT {newest}) feed_searchentry
        WHERE {condition} AND lexemes @@ %(required)s::tsquery LIMIT {limit}
    ), newer AS MATERIALIZED (
        SELECT post_id, lexemes @@ %(whole)s::tsquery, meaning
        FROM (SELECT * FROM feed_searchentry WHERE EXISTS (SELECT FROM newest) AND post_id <= (
                  SELECT post_id FROM feed_searchentry ORDER BY post_id DESC OFFSET {newest} LIMIT 1)
              ORDER BY post_id DESC LIMIT {newer}) feed_searchentry
        WHERE {condition} AND lexemes @@ %(required)s::tsquery LIMIT {limit}
    ), recent AS MATERIALIZED (
        TABLE newest UNION ALL TABLE newer LIMIT {limit}
    ), whole AS MATERIALIZED (
        SELECT post_id, true, meaning FROM feed_searchentry
        WHERE (SELECT count(*) FROM recent) < {enough} AND {condition} AND lexemes @@ %(whole)s::tsquery
        ORDER BY post_id + 0 DESC LIMIT {whole}
    ), prefixes AS MATERIALIZED (
        SELECT post_id, lexemes @@ %(whole)s::tsquery, meaning FROM feed_searchentry
        WHERE (SELECT count(*) FROM recent) < {enough} AND (SELECT count(*) FROM whole) < {enough}
          AND {condition} AND lexemes @@ %(required)s::tsquery
        ORDER BY post_id + 0 DESC LIMIT {prefixes}
    )
    SELECT own.has_hidden, found.*, (SELECT count(*) FROM recent) < {enough} AND (SELECT count(*) FROM whole) < {enough}
    FROM (SELECT EXISTS (SELECT FROM feed_searchentry WHERE author_id = %(own)s AND is_prompt_hidden) AS has_hidden) own
    LEFT JOIN (TABLE recent UNION ALL TABLE whole UNION ALL TABLE prefixes) found ON true
"""
# Settings and scan are sent as one message, which PostgreSQL runs as one transaction: the settings end with it.
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
        names = _PLACEHOLDER.findall(self.sql)
        sql = _PLACEHOLDER.sub("%s", self.sql)
        return RawSQL(f"({sql})", [self.values[name] for name in names], output_field=BooleanField())  # noqa: S611


class WordMatches(NamedTuple):
    """Rows with the words, some perhaps twice. `embeddings`: float32 (n, 384), nan where a row has none yet.

    `is_complete`: the words are rare and no further row has them, unless the limit was reached.
    """

    has_hidden: bool
    is_complete: bool
    ids: list[int]
    is_whole: list[bool]
    embeddings: Vector


class _Unprepared(ServerBindingCursor):
    """Returns bytes, and plans each execution for its own words, which may be rare or common."""

    def execute(self, query: Any, params: Any = None, **_options: Any) -> Any:
        return super().execute(query, params, prepare=False, binary=True)  # type: ignore[misc]


class WordSearch(NamedTuple):
    """`required` is the tsquery that rows must match, `whole` the same without prefixes."""

    condition: Clause
    required: str
    whole: str


def find_by_words(
    search: WordSearch, viewer: Viewer, *, whole_first: bool = True, with_prefixes: bool = True
) -> WordMatches:
    """Finds the newest rows with the words, and which of them have whole words.

    Args:
        whole_first: older rows with whole words may come before newer ones with prefixes.
        with_prefixes: also look for prefixes where the words are rare.
    """
    limits = {"whole": WORDS_AT_ONCE if whole_first else 0, "prefixes": WORDS_AT_ONCE if with_prefixes else 0}
    limits |= {"newest": NEWEST, "newer": RECENT - NEWEST, "enough": ENOUGH, "limit": WORDS_AT_ONCE}
    sql = _BY_WORDS.format(condition=search.condition.sql, **limits)
    own = viewer.pk if isinstance(viewer, User) else None
    with open_cursor(_Unprepared) as cursor:
        cursor.execute(sql, {**search.condition.values, "required": search.required, "whole": search.whole, "own": own})
        rows = cursor.fetchall()
    found = [row for row in rows if row[1] is not None]
    embeddings = _decode([row[3] for row in found])
    return WordMatches(rows[0][0], rows[0][4], [row[1] for row in found], [row[2] for row in found], embeddings)


def _decode(sent: Sequence[bytes | None]) -> Vector:
    """Decodes halfvec's binary format: the dimension and an unused number, two bytes each, then the halves."""
    missing = bytes(4) + np.full(TEXT_DIMENSIONS, np.nan, dtype=">f2").tobytes()
    joined = np.frombuffer(b"".join(missing if one is None else one for one in sent), dtype=">f2")
    return joined.reshape(len(sent), TEXT_DIMENSIONS + 2)[:, 2:].astype(np.float32)


def find_nearest(condition: Clause, vector: Vector, limit: int) -> list[tuple[int, float]]:
    """(post id, cosine distance) of the nearest rows, by an iterative HNSW scan that goes on until enough rows pass.

    Sorted here, because such a scan is only nearly sorted.
    """
    numbers = ",".join(map(str, vector.astype(np.float16).tolist()))
    with connection.cursor() as cursor:
        sql = _NEAREST.format(condition=condition.sql)
        values: dict[str, Any] = {"ef": str(EF_SEARCH), "towards": f"[{numbers}]", "limit": limit}
        cursor.execute(sql, values | dict(condition.values))
        cursor.nextset()
        return sorted(cursor.fetchall(), key=lambda row: (row[1], -row[0]))


# Words as the index holds them: without accents, and English ones by their stem (PostgreSQL's `salon_lexeme`).
MOST_KNOWN = 50_000
_known: dict[str, str] = {}  # the lexeme of a word never changes


class Tsquery(SearchQuery):
    """A tsquery whose words are lexemes already."""

    def __init__(self, text: str) -> None:
        super().__init__(text, search_type="raw")
        self.text = text

    def as_sql(self, *_args: Any, **_kwargs: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        return "%s::tsquery", [self.text]


def quote_phrase(words: Sequence[str], *, is_prefix: bool = False) -> str:
    """A tsquery of words that follow one another. Words that are too common to be indexed leave their gap.

    Args:
        is_prefix: the last word may be the start of a longer one.
    """
    lexemes = _lexemes_of(words)
    indexed = [at for at, word in enumerate(words) if lexemes[word]] or [0]
    parts = [_quote(lexemes[words[at]] or words[at]) for at in indexed]
    if is_prefix and indexed[-1] == len(words) - 1:
        parts[-1] += ":*"
    gaps = [f" <{after - before}> " for before, after in pairwise(indexed)]
    return "".join(text for pair in zip(parts, [*gaps, ""], strict=True) for text in pair)


def _lexemes_of(words: Sequence[str]) -> dict[str, str]:
    """The lexeme of each word; empty for one that is too common."""
    missing = [word for word in words if word not in _known]
    if missing:
        if len(_known) > MOST_KNOWN:
            _known.clear()
        with connection.cursor() as cursor:
            cursor.execute("SELECT word, salon_lexeme(word) FROM unnest(%s::text[]) word", [missing])
            _known.update((word, lexeme or "") for word, lexeme in cursor.fetchall())
    return {word: _known.get(word, "") for word in words}


def _quote(lexeme: str) -> str:
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"
