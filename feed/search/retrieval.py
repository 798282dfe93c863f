"""Candidates for a query, best first, in steps that each cost a bounded read; what shows of them is for `reading`."""

from collections.abc import Collection, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from django.contrib.postgres.search import SearchQuery
from django.db import connection, transaction
from django.db.models import Case, Q, Value, When
from django.db.models.functions import Cast
from django.utils.translation import gettext as _
from pgvector import HalfVector
from pgvector.django import CosineDistance, HalfVectorField, HammingDistance

from accounts.models import Viewer
from feed.posts.models import Post
from feed.search import filters as search_filters
from feed.search import image_embeddings, text_embeddings
from feed.search.models import SearchEntry
from feed.search.query_language import Query
from feed.search.sql import EF_SEARCH, WORDS_AT_ONCE, Clause, Wanted, nearest, newest_worded
from feed.search.text_embeddings import Vector
from feed.search.vectors import shifted
from lib.errors import Refused
from lib.images import parse_pdq

NEAREST = (80, 500, 3_200)  # how far each further step looks; the second is what one scan of EF_SEARCH brings
MOST_BY_TIME = 40  # steps of 240
FARTHEST = 0.7  # cosine distance: what is farther has nothing to do with the words
UNLIKE = 90  # PDQ bits of 256: unrelated pictures are about 128 apart, the same picture under 31
TOO_FAR = 8  # rows


@dataclass(frozen=True)
class Sight:
    """What a picture is compared by: what an image encoder saw in it, else its PDQ hash."""

    pdq: str = ""
    vector: Vector | None = None


@dataclass
class Search:
    """A query with everything looked up; `step` reads on."""

    query: Query
    viewer: Viewer
    scope: search_filters.Scope
    reading: "Future[Vector] | None" = None  # where to look by meaning, soon
    sight: Sight | None = None  # where to look by picture
    source: int | None = None  # the post that the query names, which is no result
    read_as: Mapping[str, str] = field(default_factory=dict)
    reached: int = 0  # the step after the last one, or a later one where those between would find nothing

    @property
    def vector(self) -> Vector | None:
        return self.reading.result() if self.reading else None

    @property
    def is_arithmetic(self) -> bool:
        return bool(self.query.one("like"))

    @property
    def steps(self) -> int:
        """How many there are at most; the last may have been reached without everything having been looked at."""
        if self.is_by_time:
            return MOST_BY_TIME
        return len(NEAREST) + (0 if self.sight or self.is_arithmetic else 3)

    @property
    def is_by_time(self) -> bool:
        """Nothing tells results apart but how new they are; the first step without any is the end."""
        if self.sight or self.is_arithmetic:
            return False
        return self.reading is None or not self.query.plain_words()

    def step(self, number: int, seen: Collection[int]) -> list[int]:
        """Further post ids, best first, none of `seen`; may be empty before the last step. Sets `reached`."""
        self.reached = number + 1
        if self.sight:
            found = self._by_picture(self.sight, NEAREST[number])
        elif self.is_arithmetic:
            found = self._by_meaning(NEAREST[number])
        elif number == 0 and any(not word.is_excluded for word in self.query.words):
            found = self._by_words()
        elif self.is_by_time:
            found = self._newest(seen)
        elif number == 1:
            found = list(_first(self._entries()))
        elif number == self.steps - 1:
            found = self._by_words(beginnings=True)
        else:
            found = self._by_meaning(NEAREST[number - 2])
        known = {*seen, self.source}
        return [post_id for post_id in found if post_id not in known]

    def _entries(self) -> Any:
        return SearchEntry.objects.filter(self._clause().as_filter())

    def _clause(self, *, plain: bool = True, minus: bool = True) -> Clause:
        return self.scope.condition & search_filters.asked(self.query, self.read_as, plain=plain, minus=minus).clause()

    def _own_hidden(self) -> Any:
        worded = search_filters.asked(self.query, self.read_as).condition("readable")
        return search_filters.own_hidden(self.viewer).filter(self.scope.condition.as_filter(), worded)

    def _by_words(self, *, beginnings: bool = False) -> list[int]:
        """Whole words before beginnings, near meanings before far ones, the newest where nothing else tells.

        Rare beginnings of several words are dear to find: what is near in meaning comes before them.
        """
        asked = search_filters.asked(self.query, self.read_as)
        wanted = [word for word in self.query.words if not word.is_excluded]
        whole = search_filters.worded(wanted, beginnings=False, read_as=self.read_as)
        condition = self.scope.condition & asked.without().clause()
        by_time = self.is_by_time
        found = newest_worded(
            Wanted(condition, asked.wanted, whole),
            self.viewer,
            whole_first=not by_time,
            beginnings=beginnings or by_time or len(wanted) == 1,
        )
        rows = list(zip(found.is_whole, self._apart(found.meanings), found.ids, strict=True))
        if found.has_hidden:
            rows += self._hidden_by_words(whole)
        if found.is_all and not by_time and not beginnings:
            self.reached = 2  # past the step for older rows with the words
        rows.sort(key=lambda row: (not row[0], row[1], -row[2]))
        return list(dict.fromkeys(post_id for _whole, _apart, post_id in rows))

    def _hidden_by_words(self, whole: str) -> list[tuple[bool, float, int]]:
        newest = search_filters.own_hidden(self.viewer).filter(pk__in=list(_first(self._own_hidden())))
        match = Q(readable=SearchQuery(whole, config="salon", search_type="raw"))
        is_whole = Case(When(match, then=Value(True)), default=Value(False))
        rows = list(newest.annotate(is_whole=is_whole).values_list("is_whole", "meaning", "pk"))
        unread = np.full(text_embeddings.DIMENSIONS, np.nan, dtype=np.float32)
        meanings = [unread if meaning is None else np.asarray(meaning, dtype=np.float32) for _w, meaning, _pk in rows]
        apart = self._apart(np.array(meanings).reshape(len(rows), text_embeddings.DIMENSIONS))
        return [(is_whole, far, pk) for (is_whole, _meaning, pk), far in zip(rows, apart, strict=True)]

    def _apart(self, meanings: Vector) -> list[float]:
        """Cosine distances of unit vectors (n, 384) from what is asked; 2 where either is not known."""
        if self.vector is None:
            return [2.0] * len(meanings)
        apart: list[float] = np.nan_to_num(1 - meanings @ self.vector, nan=2.0).tolist()
        return apart

    def _newest(self, seen: Collection[int]) -> list[int]:
        older = Q(pk__lt=min(seen)) if seen else Q()
        found = {
            post_id for entries in (self._entries(), self._own_hidden()) for post_id in _first(entries.filter(older))
        }
        if not found:
            self.reached = self.steps
        return sorted(found, reverse=True)[:WORDS_AT_ONCE]

    def _by_meaning(self, limit: int) -> list[int]:
        assert self.vector is not None
        near = nearest(self._clause(plain=False, minus=not self.is_arithmetic), self.vector, limit)
        return self._within(near, FARTHEST)

    def _by_picture(self, sight: Sight, limit: int) -> list[int]:
        if sight.vector is None:
            entries = self._entries().exclude(pdq=None).annotate(apart=HammingDistance("pdq", sight.pdq))
            return self._within(_scanned(entries.order_by("apart"), limit), UNLIKE)
        seen = Cast("picture__vector", HalfVectorField(dimensions=image_embeddings.dimensions()))
        entries = self._entries().filter(picture__encoder=image_embeddings.encoder_name())
        near = entries.annotate(apart=CosineDistance(seen, HalfVector(sight.vector))).order_by("apart")
        return [post_id for post_id, _apart in _scanned(near, limit)]

    def _within(self, near: list[tuple[int, float]], farthest: float) -> list[int]:
        """A scan that came upon what is too far again and again has seen all that is near."""
        found = [post_id for post_id, apart in near if apart <= farthest]
        if len(near) - len(found) >= TOO_FAR:
            self.reached = self.steps if self.sight or self.is_arithmetic else self.steps - 1
        return found


def _first(entries: Any) -> Any:
    return entries.order_by("-pk").values_list("pk", flat=True)[:WORDS_AT_ONCE]


@transaction.atomic
def _scanned(entries: Any, limit: int) -> list[tuple[int, float]]:
    """`nearest` for pictures."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('hnsw.iterative_scan', 'relaxed_order', true), set_config('hnsw.ef_search', %s, true)",
            [str(EF_SEARCH)],
        )
    return sorted(entries.values_list("pk", "apart")[:limit], key=lambda row: (row[1], -row[0]))


def begin(query: Query, viewer: Viewer, at: datetime, read_as: Mapping[str, str] | None = None) -> Search:
    """Looks up what a query names.

    Raises:
        Refused: 400 for a post that is not there for `viewer`, or has nothing to compare.
    """
    search = Search(query, viewer, search_filters.scope_of(query, viewer, at), read_as=read_as or {})
    if named := query.one("looks"):
        search.source, search.sight = _looks(named, viewer, at)
    elif named := query.one("like"):
        search.source, search.reading = _likes(named, query, viewer, at)
    elif query.plain_words() and text_embeddings.is_available():
        words = [search.read_as.get(word.text, word.text) for word in query.words if not word.is_excluded]
        search.reading = text_embeddings.embed_soon(" ".join(words))
    return search


def _looks(named: str, viewer: Viewer, at: datetime) -> tuple[int | None, Sight]:
    if len(named) == 64:
        return None, Sight(pdq=parse_pdq(named))
    if named.startswith(image_embeddings.UPLOAD):
        vector = image_embeddings.remembered(named)
        if vector is None:
            raise _refused("looks", _("An uploaded picture is forgotten after ten minutes. Choose it again."))
        return None, Sight(vector=vector)
    entry = _entry_of("looks", named, viewer, at)
    vector = image_embeddings.seen_in(entry.pk)
    if vector is None and entry.pdq is None:
        raise _refused("looks", _("That picture is too plain to compare."))
    return entry.pk, Sight(str(entry.pdq), vector)


def _likes(named: str, query: Query, viewer: Viewer, at: datetime) -> tuple[int, "Future[Vector]"]:
    entry = _entry_of("like", named, viewer, at)
    if entry.meaning is None or not text_embeddings.is_available():
        raise _refused("like", _("That post has no words to compare, or they were not read yet."))
    more, less = ([word.text for word in query.plain_words(excluded=excluded)] for excluded in (False, True))
    pulls = text_embeddings.embed([*more, *less])
    start = np.asarray(entry.meaning, dtype=np.float32)
    known: Future[Vector] = Future()
    known.set_result(shifted(start, list(pulls[: len(more)]), list(pulls[len(more) :])))
    return entry.pk, known


def _entry_of(name: str, public_id: str, viewer: Viewer, at: datetime) -> SearchEntry:
    shown = Post.objects.shown_to(viewer, at).filter(public_id=public_id)
    entry = SearchEntry.objects.filter(post__in=shown).first()
    if entry is None:
        raise _refused(name, _("There is no such post."))
    return entry


def _refused(name: str, sentence: str) -> Refused:
    sentence = f"{name}: {sentence}"
    return Refused("bad_query", sentence, fields={"q": [sentence]})
