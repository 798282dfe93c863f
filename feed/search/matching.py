"""A query as conditions on `SearchEntry`: its operators looked up, its words as PostgreSQL's full-text queries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.contrib.postgres.search import SearchQuery, SearchVector, SearchVectorField
from django.db.models import Exists, F, Func, OuterRef, Q
from django.utils.translation import gettext as _

from accounts.models import User, Viewer, level_for
from feed.days import day_bounds
from feed.models import PostTag, SearchEntry, Tag
from feed.profiles import visible_members
from feed.search.language import Query, Word
from generation.models import Checkpoint, Style

SHORTEST_BEGINNING = 3  # "a" begins too many words to mean anything


@dataclass(frozen=True)
class Scope:
    """What the operators leave of the entries; `notes` say which of their values name nothing that is there."""

    condition: Q
    notes: tuple[str, ...]


def scope_of(query: Query, viewer: Viewer, at: datetime) -> Scope:
    """Names that do not exist and names of those who are hidden from `viewer` look the same."""
    condition, notes = Q(content_level__lte=level_for(viewer)), []
    for name, looked_up in _LOOKUPS.items():
        for is_excluded in (False, True):
            values = query.values(name, excluded=is_excluded)
            if not values:
                continue
            part, missing = looked_up(values, viewer, at)
            condition &= ~part if is_excluded else part
            notes += [_unknown(name, value) for value in missing]
    if seed := query.one("seed"):
        condition &= Q(seed=int(seed))
    if day := query.one("before"):
        condition &= Q(published_at__lt=day_bounds(date.fromisoformat(day))[0])
    if day := query.one("after"):
        condition &= Q(published_at__gte=day_bounds(date.fromisoformat(day))[0])
    return Scope(condition, tuple(notes))


def _unknown(name: str, value: str) -> str:
    return _("There is nothing called “%(value)s” for %(name)s:.") % {"name": name, "value": value}


Looked = tuple[Q, list[str]]


def _by(values: list[str], viewer: Viewer, at: datetime) -> Looked:
    named = Q(pk__in=[])
    for value in values:
        named |= Q(username__iexact=value)
    found = {name.lower(): pk for pk, name in visible_members(viewer, at).filter(named).values_list("pk", "username")}
    return Q(author_id__in=list(found.values())), [value for value in values if value.lower() not in found]


def _checkpoint(values: list[str], viewer: Viewer, at: datetime) -> Looked:
    found = dict(Checkpoint.objects.filter(slug__in=values).values_list("slug", "pk"))
    return Q(checkpoint_id__in=list(found.values())), [value for value in values if value not in found]


def _style(values: list[str], viewer: Viewer, at: datetime) -> Looked:
    found = dict(Style.objects.filter(slug__in=values).values_list("slug", "pk"))
    return Q(style_id__in=list(found.values())), [value for value in values if value not in found]


def _tag(values: list[str], viewer: Viewer, at: datetime) -> Looked:
    tags = Tag.objects.filter(name__in=values).values_list("name", "pk", "alias_of")
    found = {name: alias or pk for name, pk, alias in tags}
    hung = Exists(PostTag.objects.filter(post=OuterRef("post_id"), tag__in=list(found.values())))
    return Q(hung), [value for value in values if value not in found]


_LOOKUPS = {"by": _by, "checkpoint": _checkpoint, "style": _style, "tag": _tag}


def tsquery(words: Sequence[Word], *, beginnings: bool = True, read_as: Mapping[str, str] | None = None) -> SearchQuery:
    """All of `words`: phrases as they stand, other words also as the beginning of a longer one.

    Args:
        read_as: for a mistyped word, the one that was probably meant; either will do.
    """
    parts = []
    for word in words:
        part = _raw(word, beginnings)
        meant = (read_as or {}).get(word.text)
        parts.append(f"({part} | '{meant}')" if meant else f"({part})")
    return SearchQuery(" & ".join(parts), config="salon", search_type="raw")


def _raw(word: Word, beginnings: bool) -> str:
    """Tokens hold letters and digits alone, so nothing in them can end the quotation."""
    tokens = [f"'{token}'" for token in word.tokens]
    if beginnings and not word.is_phrase and len(word.tokens[-1]) >= SHORTEST_BEGINNING:
        tokens[-1] += ":*"
    return (" <-> " if word.is_phrase else " & ").join(tokens)


def worded(query: Query, field: str, read_as: Mapping[str, str], *, plain: bool = True, minus: bool = True) -> Q:
    """The words as a condition on a column of tsvectors. Phrases always are one.

    Args:
        plain: whether the single words must be there; `minus`: whether the single words with a minus must not.
    """
    wanted = [word for word in query.words if not word.is_excluded and (plain or word.is_phrase)]
    condition = Q(**{field: tsquery(wanted, read_as=read_as)}) if wanted else Q()
    for word in query.words:
        if word.is_excluded and (minus or word.is_phrase):
            condition &= ~Q(**{field: tsquery([word], beginnings=False)})
    return condition


def own_hidden(viewer: Viewer) -> Any:
    """The viewer's own posts with a hidden prompt, with `readable`: the words that they alone may search."""
    prompt = SearchVector("post__image__generation__prompt", config="salon")
    readable = Func(
        F("words"), prompt, template="(%(expressions)s)", arg_joiner=" || ", output_field=SearchVectorField()
    )
    hidden = SearchEntry.objects.filter(is_prompt_hidden=True).annotate(readable=readable)
    return hidden.filter(author_id=viewer.pk) if isinstance(viewer, User) else hidden.none()


def has_hidden(viewer: Viewer) -> bool:
    """Whether `own_hidden` has any: most have none, and looking among theirs costs as much as a search."""
    return isinstance(viewer, User) and SearchEntry.objects.filter(author_id=viewer.pk, is_prompt_hidden=True).exists()
