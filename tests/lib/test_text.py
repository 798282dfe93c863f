"""Strangers' text in one form, whatever was sent."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.text import MOST_MARKS, count_units, normalise_line, normalise_text, spell_words, words_of

ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=()), max_size=60)
BRITAIN, JOINED = "🏴\U000e0067\U000e0062\U000e007f", "👩\u200d🚀 می\u200cخواهم"
DIRECTIONS = st.text(alphabet="ab\n\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e", max_size=30)


@pytest.mark.parametrize(
    ("sent", "text", "line"),
    [
        ("a\r\nb\rc\u2028d\x0be", "a\nb\nc\nd\ne", "a b c d e"), ("e\u0301te\u0301", "été", "été"),
        ("ctl \x08\x1d", "ctl", "ctl"), ("nonchar \ufffe\U0001ffff", "nonchar", "nonchar"), ("a\x00b", "ab", "ab"),
        ("\ud83d x", "x", "x"),
        ("\u202ereversed title", "reversed title", "reversed title"), ("\ta\t\tb", "a  b", "a b"),
        ("\u200b\u3164\u2800", "", ""),
        (BRITAIN, BRITAIN, BRITAIN),
        ("a\U000e0041\U000e0042", "a", "a"), ("\u2067שלום\u2069!", "\u2067שלום\u2069!", "\u2067שלום\u2069!"),
        ("\u2067a\nb\u2069", "a\nb", "a b"),
        (JOINED, JOINED, JOINED),
    ],
)  # fmt: skip
def test_a_text_has_one_form(sent: str, text: str, line: str) -> None:
    assert normalise_text(sent) == text
    assert normalise_line(sent) == line


@given(ANY_TEXT)
def test_nothing_that_cannot_be_stored_or_seen_is_left(sent: str) -> None:
    for text in (normalise_text(sent), normalise_line(sent)):
        text.encode()  # no surrogate
        kinds = {unicodedata.category(character) for character in text if character != "\n"}
        assert not kinds & {"Cc", "Cs"}
        assert not {character for character in text if ord(character) & 0xFFFE == 0xFFFE}
        assert unicodedata.is_normalized("NFC", text)
        assert text == text.strip()
    assert "\n" not in normalise_line(sent)


@given(st.one_of(ANY_TEXT, DIRECTIONS))
def test_to_bring_it_to_one_form_again_changes_nothing(sent: str) -> None:
    for normalise in (normalise_text, normalise_line, spell_words):
        assert normalise(normalise(sent)) == normalise(sent)


@given(DIRECTIONS)
def test_every_change_of_direction_ends_on_its_line(sent: str) -> None:
    for line in normalise_text(sent).split("\n"):
        opened: list[str] = []
        for character in line:
            if character in "\u202a\u202b\u2066\u2067\u2068":
                opened.append(character)
            elif character in "\u202c\u2069":
                assert opened
                assert (opened.pop() in "\u202a\u202b") == (character == "\u202c")
        assert opened == []


def test_marks_on_one_letter_are_bounded() -> None:
    assert normalise_text("a" + "\u0316" * 500) == "a" + "\u0316" * MOST_MARKS


@pytest.mark.parametrize(("text", "units"), [("", 0), ("é", 1), ("🦊", 2), ("👩\u200d🚀", 5), ("\uffff", 1)])
def test_length_is_counted_in_utf_16(text: str, units: int) -> None:
    assert count_units(text) == units == len(text.encode("utf-16-le", "surrogatepass")) // 2


@given(st.text(alphabet=st.characters(max_codepoint=127), max_size=60))
def test_ascii_is_cut_like_every_other_text(text: str) -> None:
    """Most prompts take a short way, which must lead to the same words."""
    assert words_of(text) == [word for word in words_of(f"{text} ж") if word != "ж"]


@given(st.one_of(ANY_TEXT, st.text(max_size=40)))
def test_the_words_of_a_spelling_are_the_words_of_the_text(text: str) -> None:
    assert words_of(spell_words(text)) == words_of(text)
    for word in words_of(text):
        assert not set(word) & set(" |%_\\"), "so that words can be patterns of LIKE, and parted by spaces and bars"


def test_every_letter_of_unicode_is_a_word() -> None:
    def is_letter(character: str) -> bool:
        shown = unicodedata.normalize("NFKC", character)  # a presentation form of a mark is a space with that mark
        return any(unicodedata.category(each) in ("Ll", "Lu", "Lo", "Nd") for each in shown)

    fillers = "\u115f\u1160\u3164\uffa0"  # of Hangul, which have no shape
    letters = [chr(code) for code in range(sys.maxunicode + 1) if is_letter(chr(code)) and chr(code) not in fillers]
    assert len(letters) > 100_000
    assert [letter for letter in letters if not words_of(letter)] == []
