"""Corrects mistyped words: the most similar word that a visible post uses, by trigrams."""

from collections.abc import Collection, Sequence
from datetime import datetime
from difflib import SequenceMatcher
from typing import Any

from django.db import connection, transaction

from accounts.models import Viewer, level_for
from feed.posts.models import Post
from feed.search.filters import own_hidden_entries, tsquery, tsquery_text
from feed.search.query_language import Word
from lib.text import words_of

SHORTEST, LEAST_SIMILARITY, GUESSES = 4, 0.75, 5
_SIMILAR = """
    SELECT asked.word, near.word
    FROM unnest(%(words)s::text[], %(queries)s::text[]) asked (word, query),
         LATERAL (SELECT word FROM feed_searchword WHERE word %% asked.word AND level <= %(level)s
                  ORDER BY similarity(word, asked.word) DESC, word LIMIT %(guesses)s) near
    WHERE NOT EXISTS (SELECT FROM feed_searchentry
                      WHERE content_level <= %(level)s AND lexemes @@ asked.query::tsquery)
"""
# Ordered, so that two transactions never wait for each other.
_USED = """
    SELECT word, min(content_level) FROM feed_searchentry JOIN feed_postwords words USING (post_id),
           LATERAL unnest(string_to_array(words.readable, ' ')) cut, LATERAL (SELECT unaccent(cut)) plain (word)
    WHERE length(word) BETWEEN 4 AND 40
"""
_LEARN = f"""
    INSERT INTO feed_searchword (word, level) {_USED} AND post_id = ANY(%(posts)s) GROUP BY word ORDER BY word
    ON CONFLICT (word) DO UPDATE SET level = excluded.level WHERE feed_searchword.level > excluded.level
"""


def suggest_corrections(words: Sequence[Word], viewer: Viewer, at: datetime) -> dict[str, str]:
    """``{"mountian": "mountain"}`` for words that no post uses, if one that `viewer` may see uses a similar word."""
    asked = {word.text: word for word in words if len(word.tokens) == 1 and len(word.tokens[0]) >= SHORTEST}
    found: dict[str, str] = {}
    for text, guess in sorted(_find_similar(list(asked.values()), viewer), key=_similarity, reverse=True):
        if text not in found and _similarity((text, guess)) >= LEAST_SIMILARITY and _is_used(guess, viewer, at):
            found[text] = guess
    own = own_hidden_entries(viewer)
    return {text: guess for text, guess in found.items() if not own.filter(readable=tsquery([asked[text]])).exists()}


def _find_similar(words: list[Word], viewer: Viewer) -> list[tuple[str, str]]:
    if not words:
        return []
    texts = [word.text for word in words]
    values: dict[str, Any] = {
        "words": [word.tokens[0] for word in words],
        "queries": [tsquery_text([word]) for word in words],
        "level": level_for(viewer),
        "guesses": GUESSES,
    }
    typed = dict(zip(values["words"], texts, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(_SIMILAR, values)
        return [(typed[word], guess) for word, guess in cursor.fetchall() if words_of(guess) == [guess]]


def _similarity(pair: tuple[str, str]) -> float:
    return SequenceMatcher(None, pair[0].lower(), pair[1]).ratio()


def _is_used(word: str, viewer: Viewer, at: datetime) -> bool:
    """Whether a post in the viewer's lists uses it, so that a correction never reveals hidden words."""
    listed = Post.objects.listed_for(viewer, at)
    return listed.filter(search_entry__lexemes=tsquery([Word(word)], with_prefixes=False)).exists()


def learn_words(posts: Collection[int]) -> None:
    """Adds the words of these posts to the vocabulary."""
    with connection.cursor() as cursor:
        cursor.execute(_LEARN, {"posts": list(posts)})


@transaction.atomic
def relearn_words() -> None:
    """Forgets words that no text uses any more, and raises levels that no lower text uses any more."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE used (word text PRIMARY KEY, level int) ON COMMIT DROP")
        cursor.execute(f"INSERT INTO used {_USED} GROUP BY word")
        cursor.execute("DELETE FROM feed_searchword WHERE word NOT IN (SELECT word FROM used)")
        cursor.execute(
            "UPDATE feed_searchword known SET level = used.level FROM used"
            " WHERE used.word = known.word AND used.level <> known.level"
        )
