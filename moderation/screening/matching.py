"""What a rule finds in a text: its pattern, a second sign where it needs one, and the phrases that clear it. Pure."""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from lib.text.regex import BadPattern, BoundedPattern, LinearPattern, compile_bounded, compile_linear
from moderation.screening.normalisation import Oracle, Reading, readings
from moderation.screening.normalisation.vocabulary import spelled_words

MAX_MATCHES = 40  # of one sign in one reading
_LITERAL = compile_linear("[a-z]{4,}")
_OPTIONAL_END = compile_linear(r"[a-z]{4,}\?")
_COMPOUND = compile_linear(r"([a-z]{3,})(?:\[ '_-\]\{0,2\}| \?|-\?)+([a-z]{3,})")  # “blow ?jobs”
_NOTHING = "[^\\x00-\\x{10ffff}]"
_ASCII_FLAG = "(?a)"

Span = tuple[int, int]


@lru_cache(maxsize=1_000)
def compile_pattern(pattern: str) -> LinearPattern | BoundedPattern:
    r"""A rule's pattern: by RE2 if it can (ASCII, or marked ``(?a)``), else bounded by time.

    Raises:
        BadPattern: it is no regular expression.
    """
    if pattern.isascii() or pattern.startswith(_ASCII_FLAG):
        try:
            return compile_linear(pattern.removeprefix(_ASCII_FLAG), ascii_only=True)
        except BadPattern:
            pass
    return compile_bounded(pattern)


@dataclass(frozen=True)
class Match:
    """What one rule found: the words in the reading, and where they stand in the original text."""

    words: str
    reading: Reading
    spans: tuple[Span, ...]

    @property
    def original_spans(self) -> list[Span]:
        return [self.reading.original_span(*span) for span in self.spans]


@dataclass(frozen=True)
class Matcher:
    """The patterns of one rule. `second` is an independent sign elsewhere in the text; an empty one is not needed.

    What lies inside a match of `clears` counts for nothing. `eased_by`, anywhere in the text, explains the words.
    """

    pattern: str
    second: str = ""
    clears: str = ""
    eased_by: str = ""

    def find(self, reading: Reading) -> Match | None:
        """The first match in a reading; raises TimeoutError when a pattern takes too long."""
        text = reading.text
        first = list(self._uncleared(self.pattern, text))
        if not first:
            return None
        if not self.second:
            return Match(text[slice(*first[0])], reading, (first[0],))
        for other in self._uncleared(self.second, text):
            for one in first:
                if one != other:
                    spans = (one, other) if one < other else (other, one)
                    return Match(" … ".join(text[slice(*span)] for span in spans), reading, spans)
        return None

    def is_eased(self, seen: Iterable[Reading]) -> bool:
        if not self.eased_by:
            return False
        context = compile_pattern(self.eased_by)
        return any(context.search(reading.text) for reading in seen)

    @cached_property
    def signs(self) -> list[str]:
        return [sign for sign in (self.pattern, self.second) if sign]

    def _uncleared(self, sign: str, text: str) -> Iterator[Span]:
        cleared: list[Span] | None = None
        for number, found in enumerate(compile_pattern(sign).finditer(text)):
            if number >= MAX_MATCHES:
                return
            start, end = found.span()
            if cleared is None:
                cleared = [each.span() for each in compile_pattern(self.clears).finditer(text)] if self.clears else []
            if (
                start < end
                and not _is_within(text, start, end)
                and not any(begin <= start and end <= stop for begin, stop in cleared)
            ):
                yield start, end


def _is_within(text: str, start: int, end: int) -> bool:
    """Whether a match is a part of a word with marks: for a pattern, “analândia” ends where its ASCII letters do."""
    around = text[max(0, start - 1) : start] + text[end : end + 1]
    return not around.isascii() and any(
        not char.isascii() and char.isalpha() and unicodedata.normalize("NFKD", char)[0].isascii() for char in around
    )


class FirstLook:
    """Whether any of several matchers can match a text, by one pass over it.

    Of a matcher with two signs the second one is looked for: ages are spoken of more often than what offends.
    """

    def __init__(self, matchers: Sequence[Matcher]) -> None:
        signs = dict.fromkeys(matcher.second or matcher.pattern for matcher in matchers)
        fast = [sign.removeprefix(_ASCII_FLAG) for sign in signs if isinstance(compile_pattern(sign), LinearPattern)]
        self._has_slow = len(fast) < len(signs)
        self._any = compile_linear("|".join(f"(?:{sign})" for sign in fast) or _NOTHING, ascii_only=True)

    def is_needed(self, text: str) -> bool:
        """False if no rule can match; true as well when RE2 cannot take the pattern of some rule."""
        return self._has_slow or self._any.search(text) is not None


@lru_cache(maxsize=16)
def read(text: str, oracle: Oracle, *, has_names: bool = True) -> list[Reading]:
    """`readings`, remembered for the checkers that look at one text after each other."""
    return readings(text, oracle, has_names=has_names)


def build_oracle(matchers: Sequence[Matcher], words: Iterable[str] = ()) -> Oracle:
    """What the rules, and words besides, speak about; for taking off disguises."""
    signs = list(dict.fromkeys(sign for matcher in matchers for sign in matcher.signs))
    plain = frozenset(words)
    fast = [sign.removeprefix(_ASCII_FLAG) for sign in signs if isinstance(compile_pattern(sign), LinearPattern)]
    slow = [compile_pattern(sign) for sign in signs if isinstance(compile_pattern(sign), BoundedPattern)]
    whole = compile_linear("|".join(f"(?:{sign})" for sign in fast) or _NOTHING, ascii_only=True)

    def says(word: str) -> bool:
        if word in plain:
            return True
        found = whole.search(word)
        if found is not None and (found.end() - found.start()) >= len(word) - 1:
            return True
        return any(pattern.search(word) for pattern in slow)

    def speaks_about(phrase: str) -> bool:
        return whole.search(phrase) is not None

    literals = {word for sign in signs for word in _LITERAL.findall(sign)}
    literals |= {word[:-2] for sign in signs for word in _OPTIONAL_END.findall(sign)}
    compounds = {"".join(parts) for sign in signs for parts in _COMPOUND.findall(sign)}
    literals |= compounds | {word.removesuffix("s") for word in compounds}
    return Oracle.of(says, speaks_about, literals | {f"{word}s" for word in literals} | plain | spelled_words())
