"""The one spelling of a tag. Pure."""

import unicodedata
from collections.abc import Iterable

from lib.regex import compile_linear

MAX_TAG_LENGTH = 40  # characters
_WORD = compile_linear(r"[\pL\pN][\pL\pN_'-]*")


def normalise_tag(text: str) -> str:
    """The one spelling of a tag: lower case, words of letters, digits, apostrophes and hyphens, one space between."""
    text = unicodedata.normalize("NFKC", text).lower().replace("_", " ").replace("’", "'")
    return " ".join(word.rstrip("'-") for word in _WORD.findall(text))


def normalise_tags(texts: Iterable[str]) -> list[str]:
    """Each spelling once, in the order given, empty ones left out."""
    return list(dict.fromkeys(filter(None, map(normalise_tag, texts))))
