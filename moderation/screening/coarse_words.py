"""Coarse words in several languages: glin-profanity's English list without words of other senses, and a list of ours.

`words.toml` holds what is ours; words that mean something harmless in another of the languages are left out of it.
"""

import tomllib
from functools import cache
from importlib.resources import files
from json import loads
from pathlib import Path
from typing import Any

from lib.text import words_of
from lib.text.regex import LinearPattern, compile_linear

MIN_GLUED = 8  # letters of a phrase that is also looked for without its gaps, as names are written


@cache
def _own() -> dict[str, Any]:
    words: dict[str, Any] = tomllib.loads((Path(__file__).parent / "words.toml").read_text(encoding="utf-8"))
    return dict(words["coarse"])


@cache
def coarse_words() -> frozenset[str]:
    """Single coarse words, lower case, in plain letters."""
    listed = loads((files("glin_profanity") / "data/dictionaries/english.json").read_text(encoding="utf-8"))
    words = listed["words"] if isinstance(listed, dict) else listed
    single = {word.lower() for word in words if word.isalpha() and word.isascii() and len(word) > 2}
    glued = {"".join(phrase.split()) for phrase in _own()["phrases"]}
    glued = {word for word in glued if len(word) >= MIN_GLUED}
    return frozenset(single - set(_own()["harmless"].split()) | set(_own()["strong"].split()) | glued)


@cache
def coarse_phrases() -> frozenset[str]:
    """Coarse phrases of several words, one space between them."""
    return frozenset(" ".join(words_of(phrase)) for phrase in _own()["phrases"])


@cache
def innocent_phrases() -> LinearPattern:
    """Phrases in which a coarse word is a dish, an animal, a place or a title."""
    return compile_linear(rf"\b(?:{'|'.join(_own()['innocent'])})\b", ascii_only=True)
