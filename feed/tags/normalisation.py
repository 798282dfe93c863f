"""The one spelling of a tag. Pure."""

from collections.abc import Iterable

from lib.text import spell_words

MAX_TAG_LENGTH = 40  # UTF-16 code units, as browsers count


def normalise_tag(text: str) -> str:
    """The one spelling of a tag: its words in lower case, one space between, or as they were joined (`lib.text`)."""
    return spell_words(text)


def normalise_tags(texts: Iterable[str]) -> list[str]:
    """Each spelling once, in the order given, empty ones left out."""
    return list(dict.fromkeys(filter(None, map(normalise_tag, texts))))
