"""Pages of results: candidates are kept for ten minutes, and each page checks again what the viewer may see."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime

from django.core import signing
from django.core.cache import cache
from django.utils.translation import gettext as _

from accounts.models import Viewer, level_for
from feed.lists.fast.prepared_query import fetch_listed
from feed.posts.models import Post
from feed.search import retrieval
from feed.search.explain import UsedPart, explain_parts
from feed.search.query_language import Query, parse
from feed.search.retrieval import Search
from feed.search.suggestions import typos
from lib.errors import Refused
from lib.limits import check_rate

PAGE_SIZE, READ_AHEAD = 24, 4
KEPT_SECONDS = 600
MOST_ROUNDS = 5  # queries of a page where nearly all posts are hidden; then the page is short, but leads on
FEW = 6  # with fewer results, words may be mistyped
SALT = "feed.search"
CANDIDATES_KEY = "feed:search:3:"  # the number changes with what `_store` writes
SEARCHES_A_MINUTE = 60


@dataclass(frozen=True)
class ResultPage:
    """Posts with `with_card`, the cursor of the next page, and how each part of the query was used."""

    posts: list[Post]
    next: str | None
    used: list[UsedPart]
    notes: tuple[str, ...]
    is_cut: bool = False  # shorter than asked for though there is more: nearly all posts looked at are hidden
    similar_from: int | None = None  # from this post on they lack the words, and are only similar


@dataclass
class _Candidates:
    """Post ids found so far by the first `steps` steps; the same for all pages of one viewer's search."""

    key: str
    ids: list[int] = field(default_factory=list)
    steps: int = 0
    corrections: dict[str, str] = field(default_factory=dict)
    exact: int = 0  # so many of the first ids have the words of the query
    fronts: dict[int, int] = field(default_factory=dict)  # generation -> the post that stands for it


def check_search_rate(viewer: Viewer, address: str) -> None:
    """Raises Refused (429): a search costs more than a page of the feed. Visitors are counted by IP address."""
    check_rate(key=f"feed:search:{viewer.pk or address}", limit=SEARCHES_A_MINUTE, seconds=60)


def search_posts(
    text: str, viewer: Viewer, *, address: str, at: datetime, cursor: str = "", is_stacked: bool = False
) -> ResultPage:
    """One page of results for what a viewer typed; no results for an empty text.

    Raises:
        Refused: 429 for a viewer who searches too often; 400 for a query with mistakes, and as `read_results`.
    """
    if text:
        check_search_rate(viewer, address)
    return read_results(parse(text), viewer, at=at, cursor=cursor, is_stacked=is_stacked)


def read_results(
    query: Query,
    viewer: Viewer,
    *,
    at: datetime,
    cursor: str = "",
    size: int = PAGE_SIZE,
    is_stacked: bool = False,
) -> ResultPage:
    """One page of results for `viewer`; no results for an empty query.

    Args:
        is_stacked: of the variations of one generation only the first is a result, with `stack_count`.

    Raises:
        Refused: 400 for a cursor of another search, or a query that names a post which does not exist.
    """
    if query.is_empty:
        return ResultPage([], None, [], ())
    key = hashlib.sha256(repr((query, viewer.pk, level_for(viewer))).encode()).hexdigest()[:24]
    began = position = _position(cursor, key)
    candidates = (_load(key) if cursor else None) or _Candidates(key)
    search = retrieval.begin(query, viewer, at, candidates.corrections)
    posts, position = _fill(search, candidates, position, at, size, is_stacked=is_stacked)
    if not cursor and len(posts) < FEW:
        corrections = typos.suggest_corrections(query.plain_words(), viewer, at)
        if corrections:
            candidates = _Candidates(key, corrections=corrections)
            search = retrieval.begin(query, viewer, at, corrections)
            posts, position = _fill(search, candidates, 0, at, size, is_stacked=is_stacked)
    _store(candidates)
    is_end = candidates.steps == search.steps and position >= len(candidates.ids)
    following = None if is_end else signing.dumps([key, position], salt=SALT)
    is_cut = not is_end and len(posts) < size
    similar = set(candidates.ids[candidates.exact :])
    first = next((number for number, post in enumerate(posts) if post.pk in similar), None)
    is_new = first is not None and (first > 0 or began <= candidates.exact)
    used = explain_parts(search, posts)
    return ResultPage(posts, following, used, search.scope.notes, is_cut, first if is_new else None)


def _store(candidates: _Candidates) -> None:
    """Keeps plain values, not the class: what one version of the code stored, another can read or miss, never fail."""
    values = (candidates.ids, candidates.steps, candidates.corrections, candidates.exact, candidates.fronts)
    cache.set(f"{CANDIDATES_KEY}{candidates.key}", values, KEPT_SECONDS)


def _load(key: str) -> _Candidates | None:
    stored = cache.get(f"{CANDIDATES_KEY}{key}")
    return _Candidates(key, *stored) if stored else None


def _position(cursor: str, key: str) -> int:
    if not cursor:
        return 0
    try:
        cursor_key, position = signing.loads(cursor, salt=SALT)
    except (signing.BadSignature, ValueError, TypeError):
        raise Refused("bad_cursor", _("This link to a place in the results is damaged. Search again.")) from None
    if cursor_key != key:
        raise Refused("foreign_cursor", _("This link belongs to another search. Search again."))
    return int(position)


def _fill(
    search: Search, candidates: _Candidates, position: int, at: datetime, size: int, *, is_stacked: bool
) -> tuple[list[Post], int]:
    """Up to `size` posts from `position` on that the viewer may see now, and the position after them."""
    posts: list[Post] = []
    for number in range(MOST_ROUNDS):
        wanted = (size - len(posts) + READ_AHEAD) * 2**number
        while len(candidates.ids) < position + wanted and candidates.steps < search.steps:
            by_words = candidates.steps < search.steps_by_words
            candidates.ids += search.step(candidates.steps, candidates.ids)
            candidates.exact = len(candidates.ids) if by_words else candidates.exact
            candidates.steps = search.next_step
        ahead = candidates.ids[position : position + wanted]
        if not ahead:
            break
        shown = fetch_listed(ahead, search.viewer, at)
        for post_id in ahead:
            post = shown.get(post_id)
            if post is not None and not (is_stacked and _is_behind(post, posts, candidates)):
                if len(posts) == size:
                    return posts, position
                posts.append(post)
            position += 1
            if len(posts) == size and not is_stacked:
                return posts, position
    return posts, position


def _is_behind(post: Post, posts: list[Post], candidates: _Candidates) -> bool:
    """Whether a variation of the post is a result already; that one counts it."""
    front = candidates.fronts.setdefault(post.image.generation_id, post.pk)
    for other in posts:
        if other.pk == front != post.pk:
            other.stack_count += 1
    return front != post.pk
