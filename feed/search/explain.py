"""What became of each part of a query, told with every page of results."""

from dataclasses import dataclass

from django.db import connection
from django.utils.translation import gettext as _

from feed.posts.models import Post
from feed.search import filters as search_filters
from feed.search.query_language import Filter, Word
from feed.search.retrieval import Search

KINDS = ("exact", "prefix")


@dataclass(frozen=True)
class Used:
    """``part`` as it was typed; ``how`` is a code of the API; ``words`` say it to people; ``url`` may tell more."""

    part: str
    how: str
    words: str
    url: str = ""


def used_parts(search: Search, posts: list[Post]) -> list[Used]:
    """In the order typed; words are told apart by what the posts of this page really hold."""
    found = _found(search, posts)
    said = [_word(search, word, found[word]) for word in search.query.words]
    return said + [_operator(search, part) for part in search.query.filters]


def _word(search: Search, word: Word, found: str) -> Used:
    part = f'"{word.text}"' if word.is_phrase else word.text
    if search.is_arithmetic and not word.is_phrase:
        if word.is_excluded:
            return Used(f"-{part}", "less", _("less of it"))
        return Used(part, "more", _("more of it"))
    if word.is_excluded:
        return Used(f"-{part}", "without", _("none with it"))
    if word.is_phrase:
        return Used(part, "phrase", _("exactly these words"))
    if word.text in search.read_as:
        return Used(part, "typo", _("read as “%(word)s”") % {"word": search.read_as[word.text]})
    if found == "exact":
        return Used(part, "exact", _("this word"))
    if found == "prefix":
        return Used(part, "prefix", _("the beginning of a word"))
    if search.vector is not None:
        return Used(part, "meaning", _("by its meaning"))
    return Used(part, "unused", _("not found"))


def _operator(search: Search, part: Filter) -> Used:
    if part.name == "like":
        return Used(part.text, "meaning", _("close in meaning"))
    if part.name == "looks":
        return Used(part.text, "picture", _("looks alike"))
    words = _("left out") if part.is_excluded else _("filter")
    called = search.scope.called.get(part.value) if part.name == "style" else None
    if called is None:
        return Used(part.text, "filter", words)
    by_members = _("offered here, and what members call “%(name)s”") if called.is_offered else _("members’ “%(name)s”")
    words = f"{words}: {by_members % {'name': called.names[0].name}}"
    return Used(part.text, "filter", words, called.names[0].get_absolute_url() if len(called.names) == 1 else "")


def _found(search: Search, posts: list[Post]) -> dict[Word, str]:
    """Whether any of these posts holds a word whole ("exact") or as a beginning ("prefix")."""
    plain = [word for word in search.query.plain_words() if word.text not in search.read_as]
    found: dict[Word, str] = dict.fromkeys(search.query.words, "")
    ids = [post.pk for post in posts]
    if not plain or not ids:
        return found
    held = _kinds(ids, plain)
    own = [post.pk for post in posts if post.author_id == search.viewer.pk and post.image.is_prompt_hidden]
    for number, word in enumerate(plain):
        kinds = held[2 * number : 2 * number + 2]
        if own:
            kinds = [holds or _own_holds(search, own, word, kind) for holds, kind in zip(kinds, KINDS, strict=True)]
        found[word] = next((kind for holds, kind in zip(kinds, KINDS, strict=True) if holds), "")
    return found


def _kinds(ids: list[int], words: list[Word]) -> list[bool]:
    """For each word, whether any of these rows holds it whole, and whether as a beginning."""
    queries = [search_filters.worded([word], beginnings=kind == "prefix") for word in words for kind in KINDS]
    columns = ", ".join(["bool_or(words @@ to_tsquery('salon', %s))"] * len(queries))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns} FROM feed_searchentry WHERE post_id = ANY(%s)", [*queries, ids])  # noqa: S608
        return list(cursor.fetchone())


def _own_holds(search: Search, own: list[int], word: Word, kind: str) -> bool:
    readable = search_filters.tsquery([word], beginnings=kind == "prefix")
    return bool(search_filters.own_hidden(search.viewer).filter(pk__in=own, readable=readable).exists())
