"""Turns a query into conditions on `SearchEntry`: looks up what operators name, and writes words as tsqueries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from django.contrib.postgres.search import SearchVectorField
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy

from accounts.models import User, Viewer, level_for
from feed.members.queries import visible_members
from feed.search.models import SearchEntry
from feed.search.query_language import Query, Word
from feed.search.sql import Clause, Tsquery, quote_phrase
from feed.styles.models import StyleName
from feed.styles.queries import find_names
from feed.tags.models import Tag
from generation.models import Checkpoint, Style
from lib.days import day_bounds

SHORTEST_PREFIX = 3  # a shorter one begins too many words to mean anything


class NamedStyle(NamedTuple):
    """Emergent styles with one name; `is_offered` if the site also offers a style with that name."""

    names: list[StyleName]
    is_offered: bool


@dataclass(frozen=True)
class Scope:
    """The condition that the operators of a query make; `notes` list values that name nothing.

    `styles`: by the value of a style: operator, the emergent styles with that name.
    """

    condition: Clause
    notes: tuple[str, ...]
    styles: Mapping[str, NamedStyle] = field(default_factory=dict)


def scope_of(query: Query, viewer: Viewer, at: datetime) -> Scope:
    """Looks up the operators. Names that do not exist and names hidden from `viewer` give the same result."""
    condition, notes = Clause("feed_searchentry.content_level <= %(level)s", {"level": level_for(viewer)}), []
    styles: dict[str, NamedStyle] = {}
    for name in _OPERATORS:
        for is_excluded in (False, True):
            values = query.values(name, excluded=is_excluded)
            if not values:
                continue
            found = _OPERATORS[name].look_up(values, viewer, at)
            condition &= _operator_clause(name, found, is_excluded)
            notes += [str(_UNKNOWN[name]) % {"value": value} for value in found.missing]
            styles |= found.styles
    return Scope(condition & _range_clause(query), tuple(notes), styles)


def _operator_clause(name: str, found: "Lookup", is_excluded: bool) -> Clause:
    key, sql = f"not_{name}" if is_excluded else name, _OPERATORS[name].sql
    clause = Clause(sql.format(key), {key: found.ids})
    if found.styles:
        emergent = [name.style_id for style in found.styles.values() for name in style.names]
        either = f"({sql} OR {_EMERGENT})" if found.ids else _EMERGENT
        clause = Clause(either.format(key), {key: found.ids, f"{key}_emergent": emergent})
    return Clause(f"NOT coalesce({clause.sql}, false)", clause.values) if is_excluded else clause


def _range_clause(query: Query) -> Clause:
    clause = Clause("true")
    if seed := query.one("seed"):
        clause &= Clause("feed_searchentry.seed = %(seed)s", {"seed": int(seed)})
    for name, comparison in (("before", "<"), ("after", ">=")):
        if day := query.one(name):
            start = day_bounds(date.fromisoformat(day))[0]
            clause &= Clause(f"feed_searchentry.published_at {comparison} %({name})s", {name: start})
    return clause


class Lookup(NamedTuple):
    """What the values of an operator name: ids, and emergent styles by value; `missing` values name nothing."""

    ids: list[int]
    missing: list[str]
    styles: Mapping[str, NamedStyle] = MappingProxyType({})


def _find_members(values: list[str], viewer: Viewer, at: datetime) -> Lookup:
    named = Q(pk__in=[])
    for value in values:
        named |= Q(username__iexact=value)
    found = {name.lower(): pk for pk, name in visible_members(viewer, at).filter(named).values_list("pk", "username")}
    return Lookup(list(found.values()), [value for value in values if value.lower() not in found])


def _find_checkpoints(values: list[str], viewer: Viewer, at: datetime) -> Lookup:
    found = dict(Checkpoint.objects.filter(slug__in=values).values_list("slug", "pk"))
    return Lookup(list(found.values()), [value for value in values if value not in found])


def _find_styles(values: list[str], viewer: Viewer, at: datetime) -> Lookup:
    found = dict(Style.objects.filter(slug__in=values).values_list("slug", "pk"))
    styles = {value: NamedStyle(names, value in found) for value, names in find_names(values, at).items()}
    missing = [value for value in values if value not in found and value not in styles]
    return Lookup(list(found.values()), missing, styles)


def _find_tags(values: list[str], viewer: Viewer, at: datetime) -> Lookup:
    tags = Tag.objects.filter(name__in=values).values_list("name", "pk", "alias_of")
    found = {name: alias or pk for name, pk, alias in tags}
    return Lookup(list(found.values()), [value for value in values if value not in found])


class _Operator(NamedTuple):
    look_up: Any
    sql: str


_TAGGED = (
    "EXISTS (SELECT FROM feed_posttag tagged"
    " WHERE tagged.post_id = feed_searchentry.post_id AND tagged.tag_id = ANY(%({0})s))"
)
# Not an array of ids: from a subquery PostgreSQL chooses between an index scan (small style) and a hash (large one).
_EMERGENT = "feed_searchentry.post_id IN (SELECT post_id FROM feed_styledpost WHERE style_id = ANY(%({0}_emergent)s))"
_UNKNOWN = {
    "by": gettext_lazy("There is no member called “%(value)s”."),
    "checkpoint": gettext_lazy("There is no checkpoint called “%(value)s”."),
    "style": gettext_lazy("There is no style called “%(value)s”."),
    "tag": gettext_lazy("There is no tag called “%(value)s”."),
}
_OPERATORS = {
    "by": _Operator(_find_members, "feed_searchentry.author_id = ANY(%({0})s)"),
    "checkpoint": _Operator(_find_checkpoints, "feed_searchentry.checkpoint_id = ANY(%({0})s)"),
    "style": _Operator(_find_styles, "feed_searchentry.style_id = ANY(%({0})s)"),
    "tag": _Operator(_find_tags, _TAGGED),
}


def tsquery(
    words: Sequence[Word], *, with_prefixes: bool = True, corrections: Mapping[str, str] | None = None
) -> Tsquery:
    """`tsquery_text` as an expression."""
    return Tsquery(tsquery_text(words, with_prefixes=with_prefixes, corrections=corrections))


def tsquery_text(
    words: Sequence[Word], *, with_prefixes: bool = True, corrections: Mapping[str, str] | None = None
) -> str:
    """A tsquery (of lexemes, for a cast) for all of `words`: those that are no phrase also as starts of longer ones.

    Args:
        corrections: for a mistyped word, the one that was probably meant; either matches.
    """
    parts = []
    for word in words:
        part = _raw(word, with_prefixes)
        correction = (corrections or {}).get(word.text)
        parts.append(f"({part} | {quote_phrase([correction])})" if correction else f"({part})")
    return " & ".join(parts)


def _raw(word: Word, with_prefixes: bool) -> str:
    is_prefix = with_prefixes and not word.is_phrase and len(word.tokens[-1]) >= SHORTEST_PREFIX
    return quote_phrase(word.tokens, is_prefix=is_prefix)


_MATCHES = "feed_searchentry.lexemes @@ %({})s::tsquery"


@dataclass(frozen=True)
class WordCondition:
    """The words of a query as tsqueries: results match `required` and not `excluded`; empty ones do not count."""

    required: str
    excluded: str

    def without_required(self) -> "WordCondition":
        return WordCondition("", self.excluded)

    def clause(self) -> Clause:
        """For the words that everybody may read."""
        clause = Clause("true")
        if self.required:
            clause &= Clause(_MATCHES.format("required"), {"required": self.required})
        if self.excluded:
            clause &= Clause(f"NOT {_MATCHES.format('excluded')}", {"excluded": self.excluded})
        return clause

    def as_q(self, column: str) -> Q:
        """For another column of tsvectors."""
        required, excluded = map(Tsquery, vars(self).values())
        has_required = Q(**{column: required}) if self.required else Q()
        return has_required & ~Q(**{column: excluded}) if self.excluded else has_required


def word_condition(
    query: Query, corrections: Mapping[str, str], *, plain: bool = True, minus: bool = True
) -> WordCondition:
    """The condition that the words of a query make. Phrases are always part of it.

    Args:
        plain: whether single words are required; `minus`: whether single words with a minus are excluded.
    """
    required = [word for word in query.words if not word.is_excluded and (plain or word.is_phrase)]
    excluded = [word for word in query.words if word.is_excluded and (minus or word.is_phrase)]
    none_of = " | ".join(tsquery_text([word], with_prefixes=False) for word in excluded)
    return WordCondition(tsquery_text(required, corrections=corrections), none_of)


def own_hidden_entries(viewer: Viewer) -> Any:
    """Entries of the viewer's posts with a hidden prompt, with `readable`: the words that only they may search."""
    prompt = Func(F("post__words__hidden"), function="salon_lexemes", output_field=SearchVectorField())
    readable = Func(
        F("lexemes"), prompt, template="(%(expressions)s)", arg_joiner=" || ", output_field=SearchVectorField()
    )
    hidden = SearchEntry.objects.filter(is_prompt_hidden=True).annotate(readable=readable)
    return hidden.filter(author_id=viewer.pk) if isinstance(viewer, User) else hidden.none()
