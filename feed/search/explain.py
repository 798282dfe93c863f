"""Explains with every page of results how each part of the query was used."""

from dataclasses import dataclass

from django.db import connection
from django.utils.translation import gettext as _

from feed.posts.models import Post
from feed.search import filters as search_filters
from feed.search.query_language import Filter, Word
from feed.search.retrieval import Search

KINDS = ("exact", "prefix")


@dataclass(frozen=True)
class UsedPart:
    """``part`` as it was typed; ``how`` is a code of the API; ``words`` explain it to people; ``url`` leads to more."""

    part: str
    how: str
    words: str
    url: str = ""


def explain_parts(search: Search, posts: list[Post]) -> list[UsedPart]:
    """The parts in the order typed. How a word matched is read from the posts of this page."""
    found = _match_kinds(search, posts)
    words = [_explain_word(search, word, found[word]) for word in search.query.words]
    return words + [_explain_operator(search, part) for part in search.query.filters]


def _explain_word(search: Search, word: Word, found: str) -> UsedPart:
    part = f'"{word.text}"' if word.is_phrase else word.text
    if search.is_arithmetic and not word.is_phrase:
        if word.is_excluded:
            return UsedPart(f"-{part}", "less", _("less of it"))
        return UsedPart(part, "more", _("more of it"))
    if word.is_excluded:
        return UsedPart(f"-{part}", "without", _("excluded"))
    if word.is_phrase:
        return UsedPart(part, "phrase", _("exact phrase"))
    if word.text in search.corrections:
        return UsedPart(part, "typo", _("searched as “%(word)s”") % {"word": search.corrections[word.text]})
    if found == "exact":
        return UsedPart(part, "exact", _("exact word"))
    if found == "prefix":
        return UsedPart(part, "prefix", _("start of a word"))
    if search.vector is not None:
        return UsedPart(part, "meaning", _("similar meaning"))
    return UsedPart(part, "unused", _("not found"))


def _explain_operator(search: Search, part: Filter) -> UsedPart:
    if part.name == "like":
        return UsedPart(part.text, "meaning", _("similar meaning"))
    if part.name == "looks":
        return UsedPart(part.text, "picture", _("similar picture"))
    if part.name == "order":
        return UsedPart(part.text, "filter", _("newest first"))
    words = _("excluded") if part.is_excluded else _("filter")
    style = search.scope.styles.get(part.value) if part.name == "style" else None
    if style is None:
        return UsedPart(part.text, "filter", words)
    by_members = _("the site’s style and members’ “%(name)s”") if style.is_offered else _("members’ “%(name)s”")
    words = f"{words}: {by_members % {'name': style.names[0].name}}"
    return UsedPart(part.text, "filter", words, style.names[0].get_absolute_url() if len(style.names) == 1 else "")


def _match_kinds(search: Search, posts: list[Post]) -> dict[Word, str]:
    """For each word, whether any of these posts has it as a whole word ("exact") or as a prefix ("prefix")."""
    plain = [word for word in search.query.plain_words() if word.text not in search.corrections]
    found: dict[Word, str] = dict.fromkeys(search.query.words, "")
    ids = [post.pk for post in posts]
    if not plain or not ids:
        return found
    matches = _match_rows(ids, plain)
    own = [post.pk for post in posts if post.author_id == search.viewer.pk and post.image.is_prompt_hidden]
    for number, word in enumerate(plain):
        kinds = matches[2 * number : 2 * number + 2]
        if own:
            kinds = [matched or _own_match(search, own, word, kind) for matched, kind in zip(kinds, KINDS, strict=True)]
        found[word] = next((kind for matched, kind in zip(kinds, KINDS, strict=True) if matched), "")
    return found


def _match_rows(ids: list[int], words: list[Word]) -> list[bool]:
    """For each word, whether any of these rows has it as a whole word, and whether as a prefix."""
    queries = [search_filters.tsquery_text([word], with_prefixes=kind == "prefix") for word in words for kind in KINDS]
    columns = ", ".join(["bool_or(lexemes @@ %s::tsquery)"] * len(queries))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns} FROM feed_searchentry WHERE post_id = ANY(%s)", [*queries, ids])  # noqa: S608
        return list(cursor.fetchone())


def _own_match(search: Search, own: list[int], word: Word, kind: str) -> bool:
    readable = search_filters.tsquery([word], with_prefixes=kind == "prefix")
    return bool(search_filters.own_hidden_entries(search.viewer).filter(pk__in=own, readable=readable).exists())
