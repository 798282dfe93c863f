"""Disguises come off in stages, each of which can be undone."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moderation.screening.matching import Matcher, build_oracle
from moderation.screening.normalisation import MAX_READINGS, Reading, plain, readings, unleeted
from moderation.screening.normalisation.edits import Edit

ORACLE = build_oracle([Matcher(r"\b(?:teapots?|kettle)\b")])


def found_in(text: str) -> list[str]:
    """The parts of the original in which the rule about teapots finds something."""
    for reading in readings(text, ORACLE):
        match = Matcher(r"\bteapots?\b").find(reading)
        if match is not None:
            return [text[slice(*span)] for span in match.original_spans]
    return []


@pytest.mark.parametrize(
    "disguised",
    [
        "teapot", "TEAPOT", "ｔｅａｐｏｔ", "теароt", "ᴛᴇᴀᴘᴏᴛ", "ꓔꓰꓮꓑꓳꓔ", "🅃🄴🄰🄿🄾🅃", "🆃🅴🅰🅿🅾🆃", "🇹🇪🇦🇵🇴🇹", "ʇodɐǝʇ",
        "t̶e̶a̶p̶o̶t̶",
        "te\u200bap\u3164ot", "te\u2800apot", "te\xadapot", "t34p0t", "7eap0t", "t e a p o t", "t.e.a.p.o.t",
        "t-e-a-p-o-t",
        "tea-pot", "te apot", "(tea:1.2)pot", "((teapot))", "[teapot:0.8]", "teapot++", "{teapot|cup}", "(teapot)1.4",
        "t(eapo)t", "te BREAK apot", "teeeapot", "ttteapot", "topaet", "te*pot", "t_apot", "teapto", "teepot",
    ],
)  # fmt: skip
def test_a_disguised_word_is_found_and_shown_as_it_was_written(disguised: str) -> None:
    spans = found_in(f"a red {disguised} on a table")
    assert spans, [reading.text for reading in readings(f"a red {disguised} on a table", ORACLE)]
    assert set(spans[0]) - set("()[]{}:.0123456789+|, ") <= set(disguised)


@pytest.mark.parametrize(
    "honest", ["steppe pot", "a tea party", "V A P O R W A V E", "Teapotten in Bavaria", "t-shirt"]
)
def test_honest_words_stay_what_they_are(honest: str) -> None:
    assert found_in(honest) == []


def test_a_letter_before_a_spelled_out_word_changes_nothing() -> None:
    assert found_in("a t e a p o t, please") == ["a t e a p o t,"]


def test_plain_letters_for_names() -> None:
    assert plain("Ｈｅｌｌо  \u200bWörld") == "hello world"
    assert unleeted("4dm1n") == "admin"


@settings(deadline=None)
@given(st.text(max_size=120))
def test_every_text_has_a_few_readings_without_anything_invisible(text: str) -> None:
    found = readings(text + "\u200b\u202e\x00", ORACLE)
    assert 1 <= len(found) <= MAX_READINGS
    assert not {"\u200b", "\u202e", "\x00", "\n"} & set("".join(reading.text for reading in found))


@settings(deadline=None)
@given(st.text(alphabet="aе(1:.3)[]\u200b t|{}+𝓷ⓤ", max_size=60), st.data())
def test_every_place_of_a_reading_leads_to_a_place_of_the_original(text: str, data: st.DataObject) -> None:
    for reading in readings(text, ORACLE):
        start = data.draw(st.integers(0, len(reading.text)))
        end = data.draw(st.integers(start, len(reading.text)))
        first, last = reading.original_span(start, end)
        assert 0 <= first <= len(text)
        assert 0 <= last <= len(text)
        if start < end:
            assert first < last


def test_edits_are_undone_exactly() -> None:
    reading = Reading("a (bcd:1.3) e").edited("x", [Edit(2, 3, ""), Edit(6, 11, "")]).edited("y", [Edit(2, 5, "BCD")])
    assert reading.text == "a BCD e"
    assert reading.original_span(2, 5) == (3, 6)
    assert reading.original_span(6, 7) == (12, 13)
    assert reading.stages() == ["x", "y"]
