"""The one spelling of a tag. Pure."""

import re
import unicodedata
from collections.abc import Iterable

LONGEST_TAG = 40  # characters
_WORD = re.compile(r"[^\W_][\w'-]*")


def normal_tag(text: str) -> str:
    """The one spelling of a tag: lower case, words of letters, digits, apostrophes and hyphens, one space between."""
    folded = unicodedata.normalize("NFKC", text).lower().replace("_", " ").replace("’", "'")
    return " ".join(word.rstrip("'-") for word in _WORD.findall(folded))


def normal_tags(texts: Iterable[str]) -> list[str]:
    """Each spelling once, in the order given, empty ones left out."""
    return list(dict.fromkeys(filter(None, map(normal_tag, texts))))
