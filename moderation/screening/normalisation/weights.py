"""The weight syntax of prompts (AUTOMATIC1111, Compel, InvokeAI, NovelAI, Midjourney) taken off. Pure."""

from collections.abc import Iterable, Iterator

from lib.text.regex import compile_bounded, compile_linear
from moderation.screening.normalisation.characters import BLANK
from moderation.screening.normalisation.edits import Edit, Reading

_MARKS = "()[]{}<>\\|+-:^$`" + BLANK
# (word:1.3), word::2 | (word)1.3 | word++ | BREAK, AND | {2$$a|b}
_WEIGHT = compile_bounded(r"::? ?[-+]?[0-9]{0,4}\.?[0-9]{1,6}([)\]}>, ]|$)")
_FACTOR = compile_bounded(r"[)\]}]([-+]{1,9}|[-+]?[0-9]{0,4}\.?[0-9]{1,6})")
_PLUSES = compile_bounded(r"[\p{L}\p{N}](\+{1,9}|-{2,9})([)\]}, ]|$)")
_KEYWORD = compile_linear(r"(?:^|[ ,)\]}])(BREAK|AND|ADDCOMM|ADDBASE|ADDROW|ADDCOL)(?:[ ,(\[{]|$)")
_CHOICE = compile_linear(r"[\[{][^\[\]{}]*\|[^\[\]{}]*[\]}]")


def take_off_weights(reading: Reading) -> list[Reading]:
    """The text without weights: brackets inside words read as a gap, and, if there are such, as nothing at all."""
    if not any(mark in reading.text for mark in _MARKS) and "BREAK" not in reading.text and "AND" not in reading.text:
        return [reading]
    for name, edits in (("keywords", _keywords), ("weights", _numbers), ("weights", _choices)):
        reading = reading.edited(name, edits(reading.text))
    gaps = list(_gaps(reading.text))
    apart = reading.edited("brackets", (Edit(start, end, " ") for start, end, _is_inside in gaps))
    joined = reading.edited("brackets", (Edit(start, end, "" if is_inside else " ") for start, end, is_inside in gaps))
    return [apart] if apart.text == joined.text else [apart, joined]


def _keywords(text: str) -> Iterator[Edit]:
    for found in _KEYWORD.finditer(text):
        start, end = found.span(1)
        yield Edit(start, end, "")


def _numbers(text: str) -> Iterator[Edit]:
    spans = [(found.start(), found.start(1)) for found in _WEIGHT.finditer(text)]
    spans += [found.span(1) for pattern in (_FACTOR, _PLUSES) for found in pattern.finditer(text)]
    return _apart(spans)


def _apart(spans: Iterable[tuple[int, int]]) -> Iterator[Edit]:
    place = 0
    for start, end in sorted(spans):
        if start >= place:
            yield Edit(start, end, "")
            place = end


def _choices(text: str) -> Iterator[Edit]:
    for found in _CHOICE.finditer(text):
        start, end = found.span()
        yield Edit(start, end, text[start:end].replace("|", " "))


def _gaps(text: str) -> Iterator[tuple[int, int, bool]]:
    """Brackets, quotes and blanks with the spaces beside them: from where to where, and whether between two letters."""
    end, length = 0, len(text)
    for place in [found.start() for found in _GAP.finditer(text)]:
        if place < end:
            continue
        start, end = place, place + 1
        while end < length and (text[end] in _GAPS or text[end] == " "):
            end += 1
        while start and text[start - 1] == " ":
            start -= 1
        before, after = text[start - 1 : start], text[end : end + 1]
        gap = text[start:end]
        is_inside = before.isalnum() and after.isalnum() and " " not in gap
        if not is_inside and before and after and not gap.strip(BLANK):
            is_inside = not before.isspace() and not after.isspace()  # between signs that pass for letters
        yield start, end, is_inside


_GAPS = frozenset('()[]{}<>\\"“”`' + BLANK)
_GAP = compile_bounded("[" + "".join(f"\\{char}" for char in sorted(_GAPS)) + "]")
