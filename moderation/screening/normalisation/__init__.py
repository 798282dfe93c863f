"""Seeing through disguises: the readings of a text that rules are tried on. Pure.

A text has several readings, because each disguise that is taken off could also spoil an honest word. Every reading
knows its stages and can say where its characters come from (`Reading.original_span`).

    characters → weights → case: the plain readings
    → disguises: what is no ordinary word and hides one of the rules' words is replaced by that
"""

from collections.abc import Iterator
from itertools import pairwise

from moderation.screening.normalisation.characters import UPSIDE_DOWN, fold_case, fold_characters, keep_script
from moderation.screening.normalisation.disguises import Oracle
from moderation.screening.normalisation.edits import Edit, Reading
from moderation.screening.normalisation.spread import join_spread
from moderation.screening.normalisation.vocabulary import known_words
from moderation.screening.normalisation.weights import take_off_weights

__all__ = ["MAX_READINGS", "Oracle", "Reading", "plain", "readings", "unleeted"]

MAX_READINGS = 7
_LEET = str.maketrans("013456789@$!|+€", "oieasgtbgasilte")
_PUNCTUATION = ".,;:?!\"'"


def readings(text: str, oracle: Oracle, *, has_names: bool = True) -> list[Reading]:
    """The different readings of `text`, the plain one first: at most `MAX_READINGS`.

    `has_names`: what is written as a proper name is (“Wankdorf”) is no word in disguise. Without, the text is a name
    itself, whose parts may be marked by capitals and digits.
    """
    original = Reading(text)
    folded = fold_characters(original)
    bare = [fold_case(reading) for reading in take_off_weights(folded)]
    found = [*bare, *(take_off_disguises(reading, oracle, has_names=has_names) for reading in bare)]
    found += _turned(folded, bare[-1])
    if folded is not original:
        found.append(fold_case(keep_script(original)))
    if not has_names:
        found.append(fold_case(fold_characters(original.edited("parts", _part_gaps(text)))))
    return list({reading.text: reading for reading in reversed(found)}.values())[::-1]


def _turned(folded: Reading, bare: Reading) -> Iterator[Reading]:
    """The whole text from its end, when it is written upside down, or in words that are words only that way."""
    tokens = bare.text.split()
    words = known_words()
    is_backwards = sum(token not in words and token[::-1] in words for token in dict.fromkeys(tokens)) > 1
    if is_backwards or len(UPSIDE_DOWN.intersection(folded.original)) > 2:
        yield bare.edited("reversal", [Edit(0, len(bare.text), bare.text[::-1])])


def _part_gaps(name: str) -> Iterator[Edit]:
    """Gaps in “FuckTheMods” and “rapist4u”."""
    for place, (before, after) in enumerate(pairwise(name), 1):
        is_number = before.isdigit() != after.isdigit() and before.isalnum() and after.isalnum()
        if is_number or (before.islower() and after.isupper()):
            yield Edit(place, place, " ")


def take_off_disguises(reading: Reading, oracle: Oracle, *, has_names: bool = True) -> Reading:
    """Disguised words of the rules in plain letters; everything else as it is."""
    tokens = reading.text.split(" ")
    places = [0]
    for token in tokens:
        places.append(places[-1] + len(token) + 1)
    cased = reading.source.text.split(" ") if has_names and reading.stage == "case" and reading.source else tokens
    placed = list(zip(tokens, cased, places, strict=False))
    edits, covered = [], 0
    for start, end, words in [*join_spread(tokens, oracle), (len(tokens), len(tokens), "")]:
        edits += _unmasked(placed[covered:start], oracle)
        if start < end:
            edits.append(Edit(places[start], places[end] - 1, words))
        covered = end
    return reading.edited("disguises", edits)


def _unmasked(tokens: list[tuple[str, str, int]], oracle: Oracle) -> list[Edit]:
    words = known_words()
    odd = {token for token in {token for token, _cased, _place in tokens} - words if len(token) > 2}
    edits = []
    for token, cased, place in tokens:
        if token not in odd or token.strip(_PUNCTUATION) in words:
            continue
        found = oracle.unmasked(token, is_name=_is_name(cased.strip(_PUNCTUATION)))
        if found is not None:
            edits.append(Edit(place, place + len(token), found))
    return edits


def _is_name(token: str) -> bool:
    """Whether it is written as a proper name in running text: “Wankdorf”."""
    return token.isalpha() and token[:1].isupper() and token[1:].islower()


def plain(text: str) -> str:
    """Lower case, without marks and invisible characters, look-alike letters read as Latin, weights off."""
    return " ".join(fold_case(take_off_weights(fold_characters(Reading(text)))[-1]).text.split())


def unleeted(text: str) -> str:
    """Digits and signs as the letters that they stand for in names."""
    return text.translate(_LEET)
