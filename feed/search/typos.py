"""Mistyped words: the nearest word that some post uses, by trigrams, told only to those who may see such a post."""

from collections.abc import Sequence
from datetime import datetime
from difflib import SequenceMatcher
from typing import Any

from django.db import connection

from accounts.models import Viewer, level_for
from feed.posts.models import Post
from feed.search.filters import own_hidden, tsquery
from feed.search.query_language import Word

SHORTEST, LIKENESS, GUESSES = 4, 0.75, 5
_NEAR = """
    SELECT asked.word, near.word
    FROM unnest(%(words)s::text[], %(queries)s::text[]) asked (word, query),
         LATERAL (SELECT word FROM feed_searchword WHERE word %% asked.word AND level <= %(level)s
                  ORDER BY similarity(word, asked.word) DESC, word LIMIT %(guesses)s) near
    WHERE NOT EXISTS (SELECT FROM feed_searchentry
                      WHERE content_level <= %(level)s AND words @@ to_tsquery('salon', asked.query))
"""


def meant(words: Sequence[Word], viewer: Viewer, at: datetime) -> dict[str, str]:
    """``{"mountian": "mountain"}`` for words that no post uses but nearly one that `viewer` may see does."""
    asked = {word.text: word for word in words if len(word.tokens) == 1 and len(word.tokens[0]) >= SHORTEST}
    found: dict[str, str] = {}
    for text, guess in sorted(_near(list(asked.values()), viewer), key=_likeness, reverse=True):
        if text not in found and _likeness((text, guess)) >= LIKENESS and _is_used(guess, viewer, at):
            found[text] = guess
    own = own_hidden(viewer)
    return {text: guess for text, guess in found.items() if not own.filter(readable=tsquery([asked[text]])).exists()}


def _near(words: list[Word], viewer: Viewer) -> list[tuple[str, str]]:
    if not words:
        return []
    texts = [word.text for word in words]
    values: dict[str, Any] = {
        "words": [word.tokens[0].lower() for word in words],
        "queries": [f"'{word.tokens[0]}':*" for word in words],
        "level": level_for(viewer),
        "guesses": GUESSES,
    }
    typed = dict(zip(values["words"], texts, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(_NEAR, values)
        return [(typed[word], guess) for word, guess in cursor.fetchall() if guess.isalnum()]


def _likeness(pair: tuple[str, str]) -> float:
    return SequenceMatcher(None, pair[0].lower(), pair[1]).ratio()


def _is_used(word: str, viewer: Viewer, at: datetime) -> bool:
    """By a post in the viewer's lists: a guess never tells what somebody hides."""
    listed = Post.objects.listed_for(viewer, at)
    return listed.filter(search_entry__words=tsquery([Word(word)], beginnings=False)).exists()
