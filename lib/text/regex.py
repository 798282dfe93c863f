"""Regular expressions that may meet what strangers send: linear in its length, or stopped after a moment.

Nothing else in Salon imports `re`: its matching takes exponential time for some texts and cannot be stopped.
"""

from collections.abc import Callable, Iterator
from typing import Any

import re2
import regex

# Classes and anchors that RE2 understands for ASCII alone, though the same words mean all of Unicode elsewhere.
_ASCII_ONLY = regex.compile(r"(?<!\\)(?:\\\\)*\\[wWsSbB]")
MAX_PATTERN = 20_000  # characters
BOUND_SECONDS = 1.0  # by the clock: on a busy host an innocent text must not run out of it
MAX_MEMORY = 64 << 20  # bytes that the automaton of one pattern may take; without enough, RE2 is ten times slower

Match = Any  # of either engine: group, groups, span, start, end and [name]


class BadPattern(ValueError):
    """The pattern cannot be compiled; the message says why."""


class LinearPattern:
    """A pattern of RE2, whose time grows linearly with the text.

    Lone surrogates, which UTF-8 cannot hold, count as question marks.
    """

    def __init__(self, pattern: str, *, ignore_case: bool = False) -> None:
        options = re2.Options()
        options.case_sensitive = not ignore_case
        options.log_errors = False
        options.max_mem = MAX_MEMORY
        self.pattern = pattern
        self._compiled = re2.compile(pattern, options)

    def search(self, text: str) -> Match | None:
        return self._compiled.search(_encodable(text))

    def match(self, text: str) -> Match | None:
        return self._compiled.match(_encodable(text))

    def fullmatch(self, text: str) -> Match | None:
        return self._compiled.fullmatch(_encodable(text))

    def finditer(self, text: str) -> Iterator[Match]:
        yield from self._compiled.finditer(_encodable(text))

    def findall(self, text: str) -> list[Any]:
        return list(self._compiled.findall(_encodable(text)))

    def split(self, text: str, maxsplit: int = 0) -> list[str]:
        return list(self._compiled.split(_encodable(text), maxsplit))

    def sub(self, replacement: str | Callable[[Match], str], text: str) -> str:
        r"""`text` with each match replaced; ``\1`` in a replacement of ASCII stands for the first group."""
        if isinstance(replacement, str) and not replacement.isascii():
            literal = replacement  # RE2 takes a replacement for bytes, and would garble it
            return str(self._compiled.sub(lambda _match: literal, _encodable(text)))
        return str(self._compiled.sub(replacement, _encodable(text)))


class BoundedPattern:
    """A pattern of the `regex` package, which knows all of Unicode and look-around; raises TimeoutError when slow."""

    def __init__(self, pattern: str, *, seconds: float = BOUND_SECONDS) -> None:
        self.pattern = pattern
        self.seconds = seconds
        self._compiled = regex.compile(pattern)

    def search(self, text: str) -> Match | None:
        return self._compiled.search(text, timeout=self.seconds)

    def finditer(self, text: str) -> Iterator[Match]:
        yield from self._compiled.finditer(text, timeout=self.seconds)

    def findall(self, text: str) -> list[Any]:
        return list(self._compiled.findall(text, timeout=self.seconds))

    def sub(self, replacement: str | Callable[[Match], str], text: str) -> str:
        return self._compiled.sub(replacement, text, timeout=self.seconds)


def compile_linear(pattern: str, *, ignore_case: bool = False, ascii_only: bool = False) -> LinearPattern:
    r"""A pattern for RE2: no look-around, no back-references.

    Letters are ``\pL``, digits ``\pN`` or ``[0-9]``, spaces ``\pZ``. `ascii_only` says that the caller
    knows what ``\w``, ``\s`` and ``\b`` mean here.

    Raises:
        BadPattern: RE2 cannot run it, or it uses ``\w``, ``\s`` or ``\b``, which mean ASCII there, unasked.
    """
    if not ascii_only and _ASCII_ONLY.search(pattern):
        raise BadPattern(r"\w, \s and \b mean ASCII alone in RE2: write \pL, \pN and \pZ.")
    try:
        return LinearPattern(pattern, ignore_case=ignore_case)
    except re2.error as error:
        raise BadPattern(_words(error)) from None


def compile_bounded(pattern: str, *, seconds: float = BOUND_SECONDS) -> BoundedPattern:
    """A pattern with the whole syntax of the `regex` package, which may search one text for so many seconds.

    Raises:
        BadPattern: it is no regular expression, or too long.
    """
    if len(pattern) > MAX_PATTERN:
        raise BadPattern(f"It is longer than {MAX_PATTERN} characters.")
    try:
        return BoundedPattern(pattern, seconds=seconds)
    except (regex.error, OverflowError, RecursionError, MemoryError) as error:
        raise BadPattern(_words(error)) from None


def _words(error: BaseException) -> str:
    found = error.args[0] if error.args else error
    return found.decode(errors="replace") if isinstance(found, bytes) else str(found)


def _encodable(text: str) -> str:
    return text if text.isascii() else text.encode(errors="replace").decode()
