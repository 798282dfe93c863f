"""Strangers' text in one form: the normaliser that every input passes, and the tokeniser that cuts words. Pure.

`normalise_text` is for several lines, `normalise_line` for one. `count_units` counts as a browser's `maxlength` does.
`words_of` cuts a text for search, mutes and moderation; `spell_words` is the one spelling of a tag or of muted words.
"""

import unicodedata
from collections.abc import Iterable, Iterator
from itertools import pairwise

from lib.text.confusables import IGNORED
from lib.text.regex import compile_bounded, compile_linear

LONGEST_INPUT = 100_000  # characters that are looked at; no field takes as many
MOST_MARKS = 30  # on one letter: Unicode's stream-safe format (UAX #15)
LONGEST_WORD = 64  # characters; what is longer is cut, so that every word fits into an index
TOKENISER = 1  # the version of `words_of`; stored words of another version are cut again (`index_search`)

_LINE_BREAKS = dict.fromkeys(map(ord, "\r\x0b\x0c\x85\u2028\u2029"), "\n")
# Control characters, surrogates, non-characters, byte order marks, annotation and deprecated format characters, and
# overrides of direction, which no honest text needs.
_NEVER: dict[int, str | None] = dict.fromkeys(
    [
        *range(0x0A), *range(0x0E, 0x20), *range(0x7F, 0xA0), *range(0x202D, 0x202F), *range(0x206A, 0x2070),
        *range(0xD800, 0xE000), *range(0xFDD0, 0xFDF0), 0xFEFF, *range(0xFFF9, 0xFFFC),
        *(plane + last for plane in range(0, 0x110000, 0x10000) for last in (0xFFFE, 0xFFFF)),
    ]
)  # fmt: skip
_UNFIT = {**_NEVER, **_LINE_BREAKS, ord("\t"): " "}  # for str.translate
_MARKS = compile_linear(rf"(\pM{{{MOST_MARKS}}})\pM+")
_TAGS = compile_linear(r"(\x{1F3F4}[\x{E0020}-\x{E007F}]{1,8})|[\x{E0001}-\x{E007F}]+")  # but in flags of regions
_ISOLATES, _POP_EMBEDDING, _POP_ISOLATE = "\u2066\u2067\u2068", "\u202c", "\u2069"
_OPENING = "\u202a\u202b" + _ISOLATES
_DIRECTIONS = {*_OPENING, _POP_EMBEDDING, _POP_ISOLATE}
_SHAPELESS = {0x2800, *(code for first, last in IGNORED for code in range(first, last + 1))}


def normalise_text(text: str) -> str:
    """A text of several lines: NFC, LF, no spaces at its ends, nothing that cannot be seen, stored or balanced.

    Left out are control characters, surrogates, non-characters, more than 30 marks on one letter, overrides of
    direction, and embeddings and isolates that do not end on their line. A tab is a space. A text without a visible
    character is empty.
    """
    text = text[:LONGEST_INPUT].replace("\r\n", "\n").translate(_UNFIT)
    if not text.isascii():
        text = _TAGS.sub(lambda found: found[1] or "", _MARKS.sub(r"\1", text))
        text = _balance(unicodedata.normalize("NFC", text))
    return "" if all(map(_is_blank, text)) else text.strip()


def normalise_line(text: str) -> str:
    """A text of one line: as `normalise_text`, and every run of white space is one space."""
    return " ".join(normalise_text(text).split())


def count_units(text: str) -> int:
    """The length that limits count: UTF-16 code units, as browsers count a `maxlength`; an emoji is two or more."""
    return len(text) + sum(character > "\uffff" for character in text)


def _is_blank(character: str) -> bool:
    return character.isspace() or ord(character) in _SHAPELESS


def _balance(text: str) -> str:
    """Without the embeddings and isolates that do not end on their line, and ends of none."""
    if _DIRECTIONS.isdisjoint(text):
        return text
    unmatched: set[int] = set()
    opened: list[int] = []
    isolates = 0
    for here, character in enumerate(text):
        if character in _OPENING:
            opened.append(here)
            isolates += character in _ISOLATES
        elif character == _POP_EMBEDDING and opened and text[opened[-1]] not in _ISOLATES:
            opened.pop()
        elif character == _POP_ISOLATE and isolates:
            while text[opened[-1]] not in _ISOLATES:  # it ends the embeddings inside it, which are then unmatched
                unmatched.add(opened.pop())
            opened.pop()
            isolates -= 1
        elif character == "\n":
            unmatched.update(opened)
            opened, isolates = [], 0
        elif character in _DIRECTIONS:
            unmatched.add(here)
    unmatched.update(opened)
    return "".join(character for at, character in enumerate(text) if at not in unmatched)


def _any_of(scripts: str) -> str:
    return "[{}]".format("".join(rf"\p{{{name}}}" for name in scripts.split()))


# Scripts written without spaces (and Hangul, which joins particles to words): each character is a word of its own, and
# what somebody types is found and muted wherever its characters follow one another.
_UNSPACED = _any_of(
    "Han Hiragana Katakana Bopomofo Hangul Yi Thai Lao Khmer Myanmar Tai_Le New_Tai_Lue Tai_Tham Tai_Viet"
    " Javanese Balinese"
)
# Scripts in which a joiner inside a word changes how it is written; elsewhere a joiner cannot be seen.
_JOINED = _any_of(
    "Arabic Syriac Nko Mongolian Devanagari Bengali Gurmukhi Gujarati Oriya Tamil Telugu Kannada Malayalam Sinhala"
)
_LETTER = r"\p{L}\p{N}"
_EMOJI = r"\p{Extended_Pictographic}\p{Emoji_Modifier}?[\U000e0020-\U000e007f]*"
_PATTERN_SECONDS = 10  # far more than `LONGEST_INPUT` takes: they are linear
_WORD = compile_bounded(
    rf"""(?V1x)
      (?<![{_LETTER}\p{{M}}])[a-z](?:\+\+(?!\p{{L}})|\#(?![{_LETTER}]))   # c++, c#
    | [0-9\#*]\u20e3 | \p{{Regional_Indicator}}{{2}}
    | {_EMOJI}(?:\u200d{_EMOJI})*
    | [[{_LETTER}]&&{_UNSPACED}]\p{{M}}*
    | [[{_LETTER}]--{_UNSPACED}](?:[[{_LETTER}]--{_UNSPACED}] | \p{{M}} | [\u200c\u200d](?=[{_LETTER}]))*
    """,
    seconds=_PATTERN_SECONDS,
)
# The same for ASCII, which most prompts are.
_ASCII_WORD = compile_bounded(r"(?<![a-z0-9])[a-z](?:\+\+(?![a-z])|#(?![a-z0-9]))|[a-z0-9]+", seconds=_PATTERN_SECONDS)
_ASCII_GAPS = {place: " " for place in range(128) if not chr(place).isalnum()}
_UNSEEN_JOINER = compile_bounded(
    rf"(?V1)(?<!{_JOINED}\p{{M}}?)(?<!\p{{Extended_Pictographic}}\p{{Emoji_Modifier}}?)[\u200c\u200d]",
    seconds=_PATTERN_SECONDS,
)
_SEEN = {0x200C, 0x200D, *range(0xE0020, 0xE0080)}  # joiners and the tags of flags
_UNSEEN = dict.fromkeys(_SHAPELESS - _SEEN - {0x2800})
_KEPT_WHOLE = compile_linear(r"[^\x{E33}\x{EB3}]+")  # NFKC would cut these Thai and Lao vowels in two
_VOWEL_POINTS = dict.fromkeys(
    [*range(0x591, 0x5BE), 0x5BF, 0x5C1, 0x5C2, 0x5C4, 0x5C5, 0x5C7, *range(0x610, 0x61B), 0x640,
     *range(0x64B, 0x660), 0x670, *range(0x6D6, 0x6DD), *range(0x6DF, 0x6E5), *range(0x6EA, 0x6EE)]
)  # fmt: skip
_APOSTROPHES = str.maketrans("’‘ʼ＇‐‑", "''''--")


BAR = "|"  # parts what a phrase must not reach across


def words_of(text: str) -> list[str]:
    """The words of a text as search, mutes and moderation compare them, in their order.

    A word is letters and digits with their marks, case and width folded. Joiners (ZWJ, ZWNJ) stay inside words of the
    scripts that write them; an emoji is a word, and so are c++ and c#. Apostrophes and hyphens part words, so that
    *fox* finds and mutes *the fox's den* and *arctic-fox*. In scripts without spaces every character is a word.
    Vowel points of Arabic and Hebrew are left out.
    """
    if text.isascii():
        plain = text[:LONGEST_INPUT].translate(_UNFIT).lower()
        if "+" not in plain and "#" not in plain:  # as most are: several times as fast
            return [word[:LONGEST_WORD] for word in plain.translate(_ASCII_GAPS).split()]
        return [word[:LONGEST_WORD] for word in _ASCII_WORD.findall(plain)]
    return [word for found in _WORD.finditer(_prepare(text)) if (word := _fold(found[0]))]


def cut_parts(texts: Iterable[str]) -> str:
    """The words of several texts: ``| the red fox | night sky |``; empty without a word."""
    parts = [" ".join(words) for words in map(words_of, texts) if words]
    return f"{BAR} {f' {BAR} '.join(parts)} {BAR}" if parts else ""


def spell_words(text: str) -> str:
    """The one spelling of the words of `text`: lower case, parted by one space, or as they were joined."""
    prepared = _prepare(text)
    return "".join(_spelled(prepared))


def _spelled(prepared: str) -> Iterator[str]:
    found = list(_WORD.finditer(prepared))
    yield from (first[0] for first in found[:1])
    for before, word in pairwise(found):
        between = prepared[before.end() : word.start()]
        if between:
            yield between[0] if set(between) <= {"'"} or set(between) <= {"-"} else " "
        yield word[0]


def _prepare(text: str) -> str:
    """Lower case, one width, without what cannot be seen."""
    text = _KEPT_WHOLE.sub(lambda found: unicodedata.normalize("NFKC", found[0]), normalise_line(text))
    text = text.lower().replace("i\u0307", "i").translate(_UNSEEN)
    return unicodedata.normalize("NFC", _UNSEEN_JOINER.sub("", text.translate(_APOSTROPHES)))


def _fold(word: str) -> str:
    return unicodedata.normalize("NFC", word.translate(_VOWEL_POINTS).casefold())[:LONGEST_WORD]
