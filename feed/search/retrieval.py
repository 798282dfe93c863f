"""Finds candidates for a query, the best first, in steps of bounded cost. `results` checks what the viewer may see."""

from collections.abc import Collection, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from django.db import connection, transaction
from django.db.models import Case, Q, Value, When
from django.db.models.functions import Cast
from django.utils.translation import gettext as _
from pgvector import HalfVector
from pgvector.django import CosineDistance, HalfVectorField, HammingDistance

from accounts.models import Viewer
from feed.posts.models import Post
from feed.search import filters as search_filters
from feed.search.embeddings import images, text
from feed.search.embeddings.indexing import find_image_embedding
from feed.search.embeddings.vectors import TEXT_DIMENSIONS, Vector, shift
from feed.search.models import SearchEntry
from feed.search.query_language import Query
from feed.search.sql import EF_SEARCH, WORDS_AT_ONCE, Clause, Tsquery, WordSearch, find_by_words, find_nearest
from lib.errors import Refused
from lib.images import parse_pdq

NEAREST = (80, 500, 3_200)  # how many neighbours each step reads; the second is what one scan of EF_SEARCH returns
MOST_BY_TIME = 40  # steps of 240
MOST_DISTANCE = 0.7  # cosine distance; what is farther has nothing to do with the words
BESIDE_WORDS = 0.62  # the same where posts with the words were found: then only what is close is of interest
MOST_PDQ_BITS = 90  # of 256: unrelated pictures differ in about 128, the same picture in fewer than 31
TOO_FAR = 8  # rows beyond the limit that end a scan


@dataclass(frozen=True)
class PictureTarget:
    """What pictures are compared with: an embedding if an image encoder is installed, else a PDQ hash."""

    pdq: str = ""
    vector: Vector | None = None


@dataclass
class Search:
    """A query with all names looked up; `step` finds more candidates."""

    query: Query
    viewer: Viewer
    scope: search_filters.Scope
    text_vector: "Future[Vector] | None" = None  # the text to be near to
    picture: PictureTarget | None = None  # the picture to be near to
    source: int | None = None  # the post that the query names, which is no result
    corrections: Mapping[str, str] = field(default_factory=dict)
    next_step: int = 0  # the step after the last one, or a later one if those between would find nothing

    @property
    def vector(self) -> Vector | None:
        return self.text_vector.result() if self.text_vector else None

    @property
    def is_arithmetic(self) -> bool:
        return bool(self.query.one("like"))

    @property
    def is_newest_first(self) -> bool:
        """Whether the query asks for the newest first, however well others match."""
        return bool(self.query.one("order"))

    @property
    def steps(self) -> int:
        """The most steps there can be; after the last one, there may still be rows that were not looked at."""
        if self.is_by_time:
            return MOST_BY_TIME
        return len(NEAREST) + (0 if self.picture or self.is_arithmetic else 3)

    @property
    def steps_by_words(self) -> int:
        """So many of the first steps find posts by their words or filters; the others by what they mean."""
        if self.picture or self.is_arithmetic or self.is_by_time:
            return self.steps
        return 2

    @property
    def is_by_time(self) -> bool:
        """Whether results are only sorted by time; then the first step without results is the end."""
        if self.picture or self.is_arithmetic:
            return False
        return self.is_newest_first or self.text_vector is None or not self.query.plain_words()

    def step(self, number: int, seen: Collection[int]) -> list[int]:
        """Further post ids, the best first, none of `seen`; may be empty before the last step. Sets `next_step`."""
        self.next_step = number + 1
        if self.picture:
            found = self._by_picture(self.picture, NEAREST[number])
        elif self.is_arithmetic:
            found = self._by_meaning(NEAREST[number])
        elif number == 0 and not self.is_newest_first and any(not word.is_excluded for word in self.query.words):
            found = self._by_words()
        elif self.is_by_time:
            found = self._newest(seen)
        elif number == 1:
            found = list(_first(self._entries()))
        elif number == self.steps - 1:
            found = self._by_words(with_prefixes=True)
        else:
            found = self._by_meaning(NEAREST[number - 2], BESIDE_WORDS if seen else MOST_DISTANCE)
        known = {*seen, self.source}
        return [post_id for post_id in found if post_id not in known]

    def _entries(self) -> Any:
        return SearchEntry.objects.filter(self._clause().as_filter())

    def _clause(self, *, plain: bool = True, minus: bool = True) -> Clause:
        words = search_filters.word_condition(self.query, self.corrections, plain=plain, minus=minus)
        return self.scope.condition & words.clause()

    def _own_hidden_entries(self) -> Any:
        words = search_filters.word_condition(self.query, self.corrections).as_q("readable")
        own = search_filters.own_hidden_entries(self.viewer)
        return own.filter(self.scope.condition.as_filter(), words)

    def _by_words(self, *, with_prefixes: bool = False) -> list[int]:
        """Whole words before prefixes, then similar texts before others, then the newest first.

        Prefixes of several rare words are expensive to find: similar texts come before them.
        """
        words = search_filters.word_condition(self.query, self.corrections)
        required = [word for word in self.query.words if not word.is_excluded]
        whole = search_filters.tsquery_text(required, with_prefixes=False, corrections=self.corrections)
        condition = self.scope.condition & words.without_required().clause()
        by_time = self.is_by_time
        found = find_by_words(
            WordSearch(condition, words.required, whole),
            self.viewer,
            whole_first=not by_time,
            with_prefixes=with_prefixes or by_time or len(required) == 1,
        )
        rows = list(zip(found.is_whole, self._distances(found.embeddings), found.ids, strict=True))
        if found.has_hidden:
            rows += self._hidden_by_words(whole)
        if found.is_complete and not by_time and not with_prefixes:
            self.next_step = 2  # skips the step that reads older rows with the words
        rows.sort(key=lambda row: (not row[0], row[1], -row[2]))
        return list(dict.fromkeys(post_id for _whole, _distance, post_id in rows))

    def _hidden_by_words(self, whole: str) -> list[tuple[bool, float, int]]:
        own = search_filters.own_hidden_entries(self.viewer)
        newest = own.filter(pk__in=list(_first(self._own_hidden_entries())))
        match = Q(readable=Tsquery(whole))
        is_whole = Case(When(match, then=Value(True)), default=Value(False))
        rows = list(newest.annotate(is_whole=is_whole).values_list("is_whole", "embedding", "pk"))
        missing = np.full(TEXT_DIMENSIONS, np.nan, dtype=np.float32)
        vectors = [missing if vector is None else np.asarray(vector, dtype=np.float32) for _w, vector, _pk in rows]
        distances = self._distances(np.array(vectors).reshape(len(rows), TEXT_DIMENSIONS))
        return [(is_whole, far, pk) for (is_whole, _vector, pk), far in zip(rows, distances, strict=True)]

    def _distances(self, vectors: Vector) -> list[float]:
        """Cosine distances of unit vectors (n, 384) from the query's; 2 where either is unknown."""
        if self.vector is None:
            return [2.0] * len(vectors)
        distances: list[float] = np.nan_to_num(1 - vectors @ self.vector, nan=2.0).tolist()
        return distances

    def _newest(self, seen: Collection[int]) -> list[int]:
        older = Q(pk__lt=min(seen)) if seen else Q()
        sources = (self._entries(), self._own_hidden_entries())
        found = {post_id for entries in sources for post_id in _first(entries.filter(older))}
        if not found:
            self.next_step = self.steps
        return sorted(found, reverse=True)[:WORDS_AT_ONCE]

    def _by_meaning(self, limit: int, most: float = MOST_DISTANCE) -> list[int]:
        assert self.vector is not None
        near = find_nearest(self._clause(plain=False, minus=not self.is_arithmetic), self.vector, limit)
        return self._within(near, most)

    def _by_picture(self, target: PictureTarget, limit: int) -> list[int]:
        if target.vector is None:
            entries = self._entries().exclude(pdq=None).annotate(distance=HammingDistance("pdq", target.pdq))
            return self._within(_scan_nearest(entries.order_by("distance"), limit), MOST_PDQ_BITS)
        vector = Cast("image_embedding__vector", HalfVectorField(dimensions=images.dimensions()))
        entries = self._entries().filter(image_embedding__encoder=images.encoder_name())
        near = entries.annotate(distance=CosineDistance(vector, HalfVector(target.vector))).order_by("distance")
        return [post_id for post_id, _distance in _scan_nearest(near, limit)]

    def _within(self, near: list[tuple[int, float]], most: float) -> list[int]:
        """Drops rows that are too far; a scan that found several of them has seen everything that is near."""
        found = [post_id for post_id, distance in near if distance <= most]
        if len(near) - len(found) >= TOO_FAR:
            self.next_step = self.steps if self.picture or self.is_arithmetic else self.steps - 1
        return found


def _first(entries: Any) -> Any:
    return entries.order_by("-pk").values_list("pk", flat=True)[:WORDS_AT_ONCE]


@transaction.atomic
def _scan_nearest(entries: Any, limit: int) -> list[tuple[int, float]]:
    """The same as `find_nearest` for pictures."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('hnsw.iterative_scan', 'relaxed_order', true), set_config('hnsw.ef_search', %s, true)",
            [str(EF_SEARCH)],
        )
    return sorted(entries.values_list("pk", "distance")[:limit], key=lambda row: (row[1], -row[0]))


def begin(query: Query, viewer: Viewer, at: datetime, corrections: Mapping[str, str] | None = None) -> Search:
    """Looks up what a query names.

    Raises:
        Refused: 400 for a post that `viewer` may not see, or that has nothing to compare.
    """
    search = Search(query, viewer, search_filters.scope_of(query, viewer, at), corrections=corrections or {})
    if named := query.one("looks"):
        search.source, search.picture = _picture_target(named, viewer, at)
    elif named := query.one("like"):
        search.source, search.text_vector = _text_target(named, query, viewer, at)
    elif query.plain_words() and not search.is_newest_first and text.is_available():
        words = [search.corrections.get(word.text, word.text) for word in query.words if not word.is_excluded]
        search.text_vector = text.submit(" ".join(words))
    return search


def _picture_target(named: str, viewer: Viewer, at: datetime) -> tuple[int | None, PictureTarget]:
    if len(named) == 64:
        return None, PictureTarget(pdq=parse_pdq(named))
    if named.startswith(images.UPLOAD):
        vector = images.find_upload(named)
        if vector is None:
            raise _refused("looks", _("An uploaded picture is kept for ten minutes only. Choose it again."))
        return None, PictureTarget(vector=vector)
    entry = _find_entry("looks", named, viewer, at)
    vector = find_image_embedding(entry.pk)
    if vector is None and entry.pdq is None:
        raise _refused("looks", _("This picture is too plain to compare."))
    return entry.pk, PictureTarget(str(entry.pdq), vector)


def _text_target(named: str, query: Query, viewer: Viewer, at: datetime) -> tuple[int, "Future[Vector]"]:
    entry = _find_entry("like", named, viewer, at)
    if entry.embedding is None or not text.is_available():
        raise _refused("like", _("This post has no words to compare yet."))
    more, less = ([word.text for word in query.plain_words(excluded=excluded)] for excluded in (False, True))
    pulls = text.embed([*more, *less])
    start = np.asarray(entry.embedding, dtype=np.float32)
    known: Future[Vector] = Future()
    known.set_result(shift(start, list(pulls[: len(more)]), list(pulls[len(more) :])))
    return entry.pk, known


def _find_entry(name: str, public_id: str, viewer: Viewer, at: datetime) -> SearchEntry:
    shown = Post.objects.shown_to(viewer, at).filter(public_id=public_id)
    entry = SearchEntry.objects.filter(post__in=shown).first()
    if entry is None:
        raise _refused(name, _("There is no such post."))
    return entry


def _refused(name: str, sentence: str) -> Refused:
    sentence = f"{name}: {sentence}"
    return Refused("bad_query", sentence, fields={"q": [sentence]})
