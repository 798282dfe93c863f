"""A query as conditions on `SearchEntry`: its operators looked up, its words as PostgreSQL's full-text queries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from django.contrib.postgres.search import SearchQuery, SearchVector, SearchVectorField
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy

from accounts.models import User, Viewer, level_for
from feed.members.queries import visible_members
from feed.search.models import SearchEntry
from feed.search.query_language import Query, Word
from feed.search.sql import Clause
from feed.styles.models import StyleName
from feed.styles.services import named
from feed.tags.models import Tag
from generation.models import Checkpoint, Style
from lib.days import day_bounds

SHORTEST_BEGINNING = 3  # "a" begins too many words to mean anything


@dataclass(frozen=True)
class Scope:
    """What the operators leave of the entries; `notes` say which of their values name nothing that is there.

    `called`: by the value of a style:, what members call so.
    """

    condition: Clause
    notes: tuple[str, ...]
    called: Mapping[str, "Called"] = field(default_factory=dict)


def scope_of(query: Query, viewer: Viewer, at: datetime) -> Scope:
    """Names that do not exist and names of those who are hidden from `viewer` look the same."""
    condition, notes = Clause("feed_searchentry.content_level <= %(level)s", {"level": level_for(viewer)}), []
    called: dict[str, Called] = {}
    for name, (looked_up, sql) in _LOOKUPS.items():
        for is_excluded in (False, True):
            values = query.values(name, excluded=is_excluded)
            if not values:
                continue
            found = looked_up(values, viewer, at)
            key = f"not_{name}" if is_excluded else name
            part = Clause(sql.format(key), {key: found.ids})
            if found.called:
                emerged = [name.style_id for one in found.called.values() for name in one.names]
                either = f"({sql} OR {_EMERGED})" if found.ids else _EMERGED
                part = Clause(either.format(key), {key: found.ids, f"{key}_emerged": emerged})
            condition &= Clause(f"NOT coalesce({part.sql}, false)", part.values) if is_excluded else part
            notes += [_unknown(name, value) for value in found.missing]
            called |= found.called
    if seed := query.one("seed"):
        condition &= Clause("feed_searchentry.seed = %(seed)s", {"seed": int(seed)})
    if day := query.one("before"):
        condition &= Clause(
            "feed_searchentry.published_at < %(before)s", {"before": day_bounds(date.fromisoformat(day))[0]}
        )
    if day := query.one("after"):
        condition &= Clause(
            "feed_searchentry.published_at >= %(after)s", {"after": day_bounds(date.fromisoformat(day))[0]}
        )
    return Scope(condition, tuple(notes), called)


def _unknown(name: str, value: str) -> str:
    return str(_UNKNOWN[name]) % {"value": value}


class Called(NamedTuple):
    """Emergent styles of one name; `is_offered` tells that the site offers a style called so as well."""

    names: list[StyleName]
    is_offered: bool


class Looked(NamedTuple):
    """What values name: ids, and by value what members call so; `missing` name nothing."""

    ids: list[int]
    missing: list[str]
    called: Mapping[str, Called] = MappingProxyType({})


def _by(values: list[str], viewer: Viewer, at: datetime) -> Looked:
    named = Q(pk__in=[])
    for value in values:
        named |= Q(username__iexact=value)
    found = {name.lower(): pk for pk, name in visible_members(viewer, at).filter(named).values_list("pk", "username")}
    return Looked(list(found.values()), [value for value in values if value.lower() not in found])


def _checkpoint(values: list[str], viewer: Viewer, at: datetime) -> Looked:
    found = dict(Checkpoint.objects.filter(slug__in=values).values_list("slug", "pk"))
    return Looked(list(found.values()), [value for value in values if value not in found])


def _style(values: list[str], viewer: Viewer, at: datetime) -> Looked:
    found = dict(Style.objects.filter(slug__in=values).values_list("slug", "pk"))
    called = {value: Called(names, value in found) for value, names in named(values, at).items()}
    missing = [value for value in values if value not in found and value not in called]
    return Looked(list(found.values()), missing, called)


def _tag(values: list[str], viewer: Viewer, at: datetime) -> Looked:
    tags = Tag.objects.filter(name__in=values).values_list("name", "pk", "alias_of")
    found = {name: alias or pk for name, pk, alias in tags}
    return Looked(list(found.values()), [value for value in values if value not in found])


_TAGGED = (
    "EXISTS (SELECT FROM feed_posttag tagging"
    " WHERE tagging.post_id = feed_searchentry.post_id AND tagging.tag_id = ANY(%({0})s))"
)
# Not an array of ids: PostgreSQL chooses between walking a small style and hashing a large one.
_EMERGED = "feed_searchentry.post_id IN (SELECT post_id FROM feed_styledpost WHERE style_id = ANY(%({0}_emerged)s))"
_UNKNOWN = {
    "by": gettext_lazy("There is no member called “%(value)s”."),
    "checkpoint": gettext_lazy("There is no checkpoint called “%(value)s”."),
    "style": gettext_lazy("There is no style called “%(value)s”."),
    "tag": gettext_lazy("There is no tag called “%(value)s”."),
}
_LOOKUPS = {
    "by": (_by, "feed_searchentry.author_id = ANY(%({0})s)"),
    "checkpoint": (_checkpoint, "feed_searchentry.checkpoint_id = ANY(%({0})s)"),
    "style": (_style, "feed_searchentry.style_id = ANY(%({0})s)"),
    "tag": (_tag, _TAGGED),
}


def tsquery(words: Sequence[Word], *, beginnings: bool = True, read_as: Mapping[str, str] | None = None) -> SearchQuery:
    """`worded` as an expression."""
    return SearchQuery(worded(words, beginnings=beginnings, read_as=read_as), config="salon", search_type="raw")


def worded(words: Sequence[Word], *, beginnings: bool = True, read_as: Mapping[str, str] | None = None) -> str:
    """All of `words` as a tsquery: phrases as they stand, other words also as the beginning of a longer one.

    Args:
        read_as: for a mistyped word, the one that was probably meant; either will do.
    """
    parts = []
    for word in words:
        part = _raw(word, beginnings)
        meant = (read_as or {}).get(word.text)
        parts.append(f"({part} | '{meant}')" if meant else f"({part})")
    return " & ".join(parts)


def _raw(word: Word, beginnings: bool) -> str:
    """Tokens hold letters and digits alone, so nothing in them can end the quotation."""
    tokens = [f"'{token}'" for token in word.tokens]
    if beginnings and not word.is_phrase and len(word.tokens[-1]) >= SHORTEST_BEGINNING:
        tokens[-1] += ":*"
    return (" <-> " if word.is_phrase else " & ").join(tokens)


_HOLDS = "feed_searchentry.words @@ to_tsquery('salon', %({})s)"


@dataclass(frozen=True)
class Asked:
    """The words of a query as tsqueries: all of `wanted`, none of `unwanted`; empty where nothing is said."""

    wanted: str
    unwanted: str

    def without(self) -> "Asked":
        """The same but for what is wanted."""
        return Asked("", self.unwanted)

    def clause(self) -> Clause:
        """For the words that everybody may read."""
        clause = Clause("true")
        if self.wanted:
            clause &= Clause(_HOLDS.format("wanted"), {"wanted": self.wanted})
        if self.unwanted:
            clause &= Clause(f"NOT {_HOLDS.format('unwanted')}", {"unwanted": self.unwanted})
        return clause

    def condition(self, field: str) -> Q:
        """For another column of tsvectors."""
        wanted, unwanted = (SearchQuery(text, config="salon", search_type="raw") for text in vars(self).values())
        return (Q(**{field: wanted}) if self.wanted else Q()) & (~Q(**{field: unwanted}) if self.unwanted else Q())


def asked(query: Query, read_as: Mapping[str, str], *, plain: bool = True, minus: bool = True) -> Asked:
    """The words of a query. Phrases always are a condition.

    Args:
        plain: whether the single words must be there; `minus`: whether the single words with a minus must not.
    """
    wanted = [word for word in query.words if not word.is_excluded and (plain or word.is_phrase)]
    unwanted = [word for word in query.words if word.is_excluded and (minus or word.is_phrase)]
    nothing_of = " | ".join(worded([word], beginnings=False) for word in unwanted)
    return Asked(worded(wanted, read_as=read_as), nothing_of)


def own_hidden(viewer: Viewer) -> Any:
    """The viewer's own posts with a hidden prompt, with `readable`: the words that they alone may search."""
    prompt = SearchVector("post__image__generation__prompt", config="salon")
    readable = Func(
        F("words"), prompt, template="(%(expressions)s)", arg_joiner=" || ", output_field=SearchVectorField()
    )
    hidden = SearchEntry.objects.filter(is_prompt_hidden=True).annotate(readable=readable)
    return hidden.filter(author_id=viewer.pk) if isinstance(viewer, User) else hidden.none()
