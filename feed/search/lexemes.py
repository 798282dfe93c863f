"""Words as the index holds them: without accents, and English ones by their stem (PostgreSQL's `salon_lexeme`)."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from django.contrib.postgres.search import SearchQuery
from django.db import connection

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
