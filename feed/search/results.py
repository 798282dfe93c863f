"""A page of results: candidates kept for ten minutes, each checked by the one filter whenever it is shown."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime

from django.core import signing
from django.core.cache import cache
from django.utils.translation import gettext as _

from accounts.models import Viewer, level_for
from feed.lists.fast.prepared_query import fetch_listed
from feed.posts.models import Post
from feed.search import retrieval, typos
from feed.search.explain import Used, used_parts
from feed.search.query_language import Query
from feed.search.retrieval import Search
from lib.errors import Refused
from lib.limits import check_rate

PAGE_SIZE, READ_AHEAD = 24, 4
KEPT_SECONDS = 600
MOST_ROUNDS = 5  # queries of a page where nearly everything is hidden; then it is short, never the last by mistake
FEW = 6  # with fewer results, words may be mistyped
SALT = "feed.search"
SEARCHES_A_MINUTE = 60


@dataclass(frozen=True)
class ResultPage:
    """Posts with `with_card`, the cursor of the next page, and what became of each part of the query."""

    posts: list[Post]
    next: str | None
    used: list[Used]
    notes: tuple[str, ...]
    is_cut: bool = False  # shorter than asked for, and there is more: hardly any of what was found may be shown


@dataclass
class _Candidates:
    """What was read so far; the same for every page of one reader."""

    key: str
    ids: list[int] = field(default_factory=list)
    steps: int = 0
    read_as: dict[str, str] = field(default_factory=dict)


def check_search_rate(viewer: Viewer, address: str) -> None:
    """Raises Refused (429): a search costs more than a page of the feed. Visitors are told apart by IP address."""
    check_rate(key=f"feed:search:{viewer.pk or address}", limit=SEARCHES_A_MINUTE, seconds=60)


def read_results(query: Query, viewer: Viewer, *, at: datetime, cursor: str = "", size: int = PAGE_SIZE) -> ResultPage:
    """One page for `viewer`; nothing for an empty query.

    Raises:
        Refused: 400 for a cursor of another search, or a query that names a post that is not there.
    """
    if query.is_empty:
        return ResultPage([], None, [], ())
    key = hashlib.sha256(repr((query, viewer.pk, level_for(viewer))).encode()).hexdigest()[:24]
    position = _position(cursor, key)
    candidates = cache.get(f"feed:search:{key}") if cursor else None
    candidates = candidates or _Candidates(key)
    search = retrieval.begin(query, viewer, at, candidates.read_as)
    posts, position = _fill(search, candidates, position, at, size)
    if not cursor and len(posts) < FEW and (guesses := typos.meant(query.plain_words(), viewer, at)):
        candidates = _Candidates(key, read_as=guesses)
        search = retrieval.begin(query, viewer, at, guesses)
        posts, position = _fill(search, candidates, 0, at, size)
    cache.set(f"feed:search:{key}", candidates, KEPT_SECONDS)
    is_end = candidates.steps == search.steps and position >= len(candidates.ids)
    following = None if is_end else signing.dumps([key, position], salt=SALT)
    is_cut = not is_end and len(posts) < size
    return ResultPage(posts, following, used_parts(search, posts), search.scope.notes, is_cut)


def _position(cursor: str, key: str) -> int:
    if not cursor:
        return 0
    try:
        whose, position = signing.loads(cursor, salt=SALT)
    except (signing.BadSignature, ValueError, TypeError):
        raise Refused("bad_cursor", _("This link to a place in the results is damaged. Search again.")) from None
    if whose != key:
        raise Refused("foreign_cursor", _("This place belongs to another search. Search again."))
    return int(position)


def _fill(search: Search, candidates: _Candidates, position: int, at: datetime, size: int) -> tuple[list[Post], int]:
    """Up to `size` posts from `position` on that the viewer may see now, and the position after them."""
    posts: list[Post] = []
    for number in range(MOST_ROUNDS):
        wanted = (size - len(posts) + READ_AHEAD) * 2**number
        while len(candidates.ids) < position + wanted and candidates.steps < search.steps:
            found = search.step(candidates.steps, candidates.ids)
            candidates.ids += found
            candidates.steps = search.reached
        ahead = candidates.ids[position : position + wanted]
        if not ahead:
            break
        shown = fetch_listed(ahead, search.viewer, at)
        for post_id in ahead:
            position += 1
            if post_id in shown:
                posts.append(shown[post_id])
                if len(posts) == size:
                    return posts, position
    return posts, position
