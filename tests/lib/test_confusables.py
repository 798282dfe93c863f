"""Names that look alike have one skeleton."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.text.confusables import look_alikes, skeleton


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("paypal", "pаypаl"),  # Cyrillic а
        ("scope", "ѕсоре"),
        ("alice", "ali\u200bce"),
        ("alice", "a\u3164lice"),
        ("rn", "m"),
        ("Il1|", "llll"),
        ("O0", "OO"),
        ("ꓮꓬ", "AY"),  # Lisu
        ("𝐛𝐨𝐛", "bob"),
        ("e\u0301", "é"),
    ],
)
def test_what_looks_alike_has_one_skeleton(one: str, other: str) -> None:
    assert skeleton(one) == skeleton(other)


@pytest.mark.parametrize(("one", "other"), [("alice", "alise"), ("bob", "b0d"), ("über", "uber"), ("жанна", "zhanna")])
def test_what_looks_different_keeps_its_own(one: str, other: str) -> None:
    assert skeleton(one) != skeleton(other)


def test_the_table_is_whole() -> None:
    """Figures of Unicode 16.0 for all but Hangul syllables, which decompose."""
    assert len(look_alikes()) == 5739 + 4174
    assert look_alikes()[ord("\u0430")] == "a"


@given(st.text())
def test_canonically_equal_texts_have_equal_skeletons(text: str) -> None:
    assert skeleton(unicodedata.normalize("NFC", text)) == skeleton(unicodedata.normalize("NFD", text))
