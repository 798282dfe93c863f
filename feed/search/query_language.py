"""The query language: words, "phrases", -excluded, and operators such as by:alice. Pure: text in, `Query` out.

Operators that name something (by, checkpoint, style, tag) may be repeated, which matches any of the values; a minus in
front excludes. The others (seed, before, after, like, looks, order) may be used once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from feed.tags.normalisation import normalise_tag
from lib.errors import Refused
from lib.text import count_units, normalise_line, words_of
from lib.text.regex import Match, compile_linear

LONGEST, MOST_PARTS = 300, 24  # UTF-16 code units, as browsers count
_PART = compile_linear(
    r'(?P<minus>-)?(?:(?P<name>[A-Za-z]+):)?(?:"(?P<quoted>[^"]*)"|(?P<bare>[^\t-\r\x1c-\x1f\x{85}\pZ"]+)|(?P<nothing>))'
)
_DATE = compile_linear("[0-9]{4}(?:-[0-9]{2}){0,2}")


@dataclass(frozen=True)
class Word:
    """A word or a quoted phrase that results must have, or must not."""

    text: str
    is_excluded: bool = False
    is_phrase: bool = False

    @property
    def tokens(self) -> list[str]:
        """Its words as the index has them (`lib.text`); several of them follow one another."""
        return words_of(self.text)


@dataclass(frozen=True)
class Filter:
    """``name`` is an operator; ``value`` has the right form, but may name nothing."""

    name: str
    value: str
    is_excluded: bool = False

    @property
    def text(self) -> str:
        """As it was typed."""
        value = f'"{self.value}"' if " " in self.value else self.value
        return f"{'-' if self.is_excluded else ''}{self.name}:{value}"


@dataclass(frozen=True)
class Query:
    """A valid query. At most one of `like` (a post) and `looks` (a post or a hash) is set."""

    words: tuple[Word, ...] = ()
    filters: tuple[Filter, ...] = ()

    def values(self, name: str, *, excluded: bool = False) -> list[str]:
        return [part.value for part in self.filters if part.name == name and part.is_excluded == excluded]

    def one(self, name: str) -> str:
        return next(iter(self.values(name)), "")

    @property
    def is_empty(self) -> bool:
        return not self.words and not self.filters

    def plain_words(self, *, excluded: bool = False) -> list[Word]:
        return [word for word in self.words if not word.is_phrase and word.is_excluded == excluded]


class BadValue(ValueError):
    """An operator's value has the wrong form; the message says what the operator takes."""


def parse(text: str) -> Query:
    """Parses a query.

    Raises:
        Refused: 400, with one sentence per mistake in `fields["q"]`.
    """
    text = normalise_line(text)
    if count_units(text) > LONGEST:
        raise _refused([_("Use at most %(n)s characters.") % {"n": LONGEST}])
    problems: list[str] = []
    if text.count('"') % 2:
        problems.append(_("A quotation mark is missing: add one after the last word of the phrase."))
    words: list[Word] = []
    filters: list[Filter] = []
    for found in _PART.finditer(text):
        part, problem = _read(found)
        if problem:
            problems.append(problem)
        elif isinstance(part, Word):
            words.append(part)
        elif part is not None:
            filters.append(part)
    problems += _clashes(filters)
    if len(words) + len(filters) > MOST_PARTS:
        problems.append(_("Use at most %(n)s words and filters.") % {"n": MOST_PARTS})
    if problems:
        raise _refused(problems)
    return Query(tuple(dict.fromkeys(words)), tuple(dict.fromkeys(filters)))


def _refused(problems: list[str]) -> Refused:
    return Refused("bad_query", " ".join(problems), fields={"q": problems})


def _read(found: Match) -> tuple[Word | Filter | None, str]:
    """A part of the query, or what is wrong with it; None for text without a word."""
    name, is_excluded = (found["name"] or "").lower(), bool(found["minus"])
    quoted, value = found["quoted"], found["quoted"] if found["quoted"] is not None else found["bare"] or ""
    if name in _OPERATORS:
        try:
            return Filter(name, _OPERATORS[name](value.strip()), is_excluded), ""
        except BadValue as error:
            return None, f"{name}: {error}"
    if name:  # a colon inside a word, as in 16:9 or http://
        value = f"{found['name']}:{value}"
    word = Word(value, is_excluded, is_phrase=quoted is not None)
    return (word if word.tokens else None), ""


def _clashes(filters: list[Filter]) -> list[str]:
    problems = []
    for name in _SINGLE:
        used = [part for part in filters if part.name == name]
        if len(set(used)) > 1:
            problems.append(_("%(name)s: can be used once.") % {"name": name})
        if any(part.is_excluded for part in used):
            problems.append(_("%(name)s: cannot be excluded.") % {"name": name})
    if {"like", "looks"} <= {part.name for part in filters}:
        problems.append(_("Use like: or looks:, not both."))
    if {"like", "looks"} & {part.name for part in filters} and any(part.name == "order" for part in filters):
        problems.append(_("order: cannot be combined with like: or looks:."))
    return problems


def _pattern(pattern: str, hint: Promise) -> Callable[[str], str]:
    allowed = compile_linear(pattern)

    def check(value: str) -> str:
        if not allowed.fullmatch(value):
            raise BadValue(str(hint))
        return value

    return check


def _username(value: str) -> str:
    return _pattern(r"[\pL\pN_.@+-]{1,150}", gettext_lazy("Name a member, as in by:alice."))(value.removeprefix("@"))


def _slug(hint: Promise) -> Callable[[str], str]:
    return lambda value: _pattern(r"[\pL\pN_-]{1,64}", hint)(value.lower().replace(" ", "-"))


def _style(value: str) -> str:
    """The slug of a style of the site, or any name that members gave to a style."""
    hint = gettext_lazy("Name a style, as in style:watercolour.")
    name = "-".join(value.lower().split())
    if not words_of(name):
        raise BadValue(str(hint))
    return _pattern(r"[^\x00]{1,64}", hint)(name)


def _tag(value: str) -> str:
    name = normalise_tag(value)
    if not name or count_units(name) > 40:
        raise BadValue(_("Name a tag, as in tag:landscape."))
    return name


def _seed(value: str) -> str:
    if not (value.isascii() and value.isdigit() and len(value) <= 19 and int(value) < 2**63):
        raise BadValue(_("A seed is a whole number, as in seed:1234."))
    return str(int(value))


def _order(value: str) -> str:
    if value.lower() != "new":
        raise BadValue(_("Write order:new for the newest first."))
    return "new"


def _day(value: str) -> str:
    """The first day of a year, a month or a day, as YYYY-MM-DD."""
    if _DATE.fullmatch(value):
        year, month, day = ([int(number) for number in value.split("-")] + [1, 1])[:3]
        try:
            return date(year, month, day).isoformat()
        except ValueError:
            pass
    raise BadValue(_("Write a date as 2026, 2026-11 or 2026-11-22."))


_POST = _pattern("[0-9A-Za-z_-]{12}", gettext_lazy("Give the twelve characters at the end of a post's address."))
_PICTURE = _pattern(
    "[0-9A-Za-z_-]{12}|[0-9a-f]{64}|upload-[0-9A-Za-z_-]{22}",
    gettext_lazy("Give the twelve characters at the end of a post's address, or a PDQ hash."),
)
_OPERATORS: dict[str, Callable[[str], str]] = {
    "by": _username,
    "checkpoint": _slug(gettext_lazy("Name a checkpoint, as in checkpoint:starter.")),
    "style": _style,
    "tag": _tag,
    "seed": _seed,
    "before": _day,
    "after": _day,
    "like": _POST,
    "looks": _PICTURE,
    "order": _order,
}
_SINGLE = ("seed", "before", "after", "like", "looks", "order")
