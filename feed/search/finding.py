"""Candidates for a query, best first, in steps that each cost a bounded read; what shows of them is for `reading`."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from django.db import connection, transaction
from django.db.models import Case, FloatField, Q, Value, When
from django.utils.translation import gettext as _
from pgvector import HalfVector
from pgvector.django import CosineDistance, HammingDistance

from accounts.errors import Refused
from accounts.models import Viewer
from feed.models import Post, SearchEntry
from feed.search import embedding, matching
from feed.search.embedding import Vector
from feed.search.language import Query
from feed.search.vectors import shifted

WORDS_AT_ONCE = 240  # the newest posts with the words, put in order by meaning
NEAREST = (160, 800, 3_200)  # how far each further step looks: filters may have emptied the one before
MOST_BY_TIME = 40  # steps of 240
FARTHEST = 0.7  # cosine distance: what is farther has nothing to do with the words
UNLIKE = 90  # PDQ bits of 256: unrelated pictures are about 128 apart, the same picture under 31
EF_SEARCH = 100


@dataclass
class Search:
    """A query with everything looked up; `step` reads on."""

    query: Query
    viewer: Viewer
    scope: matching.Scope
    vector: Vector | None = None  # where to look by meaning
    pdq: str = ""  # where to look by picture
    source: int | None = None  # the post that the query names, which is no result
    read_as: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_arithmetic(self) -> bool:
        return bool(self.query.one("like"))

    @property
    def steps(self) -> int:
        """How many there are at most; the last may have been reached without everything having been looked at."""
        if self.is_by_time:
            return MOST_BY_TIME
        return len(NEAREST) + (0 if self.pdq or self.is_arithmetic else 1)

    @property
    def is_by_time(self) -> bool:
        """Nothing tells results apart but how new they are; the first step without any is the end."""
        if self.pdq or self.is_arithmetic:
            return False
        return self.vector is None or not self.query.plain_words()

    def step(self, number: int, seen: Collection[int]) -> list[int]:
        """Further post ids, best first, none of `seen`; may be empty before the last step."""
        if self.pdq:
            found = self._by_picture(NEAREST[number])
        elif self.is_arithmetic:
            found = self._by_meaning(NEAREST[number])
        elif number == 0 and any(not word.is_excluded for word in self.query.words):
            found = self._by_words()
        elif self.is_by_time:
            found = self._newest(seen)
        else:
            found = self._by_meaning(NEAREST[number - 1])
        known = {*seen, self.source}
        return [post_id for post_id in found if post_id not in known]

    def _entries(self, **which: bool) -> Any:
        return SearchEntry.objects.filter(
            self.scope.condition & matching.worded(self.query, "words", self.read_as, **which)
        )

    def _own_hidden(self) -> Any:
        worded = matching.worded(self.query, "readable", self.read_as)
        return matching.own_hidden(self.viewer).filter(self.scope.condition & worded)

    def _by_words(self) -> list[int]:
        """Whole words before beginnings, near meanings before far ones, the newest where nothing else tells."""
        wanted = [word for word in self.query.words if not word.is_excluded]
        whole = matching.tsquery(wanted, beginnings=False, read_as=self.read_as)
        rows: list[tuple[bool, float | None, int]] = []
        kinds = [("words", self._entries(), SearchEntry.objects.all())]
        if matching.has_hidden(self.viewer):
            kinds.append(("readable", self._own_hidden(), matching.own_hidden(self.viewer)))
        for column, entries, every in kinds:
            newest = every.filter(pk__in=entries.order_by("-pk").values("pk")[:WORDS_AT_ONCE])
            is_whole = Case(When(Q(**{column: whole}), then=Value(True)), default=Value(False))
            rows += newest.annotate(is_whole=is_whole, apart=self._apart()).values_list("is_whole", "apart", "pk")
        rows.sort(key=lambda row: (not row[0], 2 if row[1] is None else row[1], -row[2]))
        return list(dict.fromkeys(post_id for _whole, _apart, post_id in rows))

    def _apart(self) -> Any:
        if self.vector is None:
            return Value(None, output_field=FloatField())
        return CosineDistance("meaning", HalfVector(self.vector))

    def _newest(self, seen: Collection[int]) -> list[int]:
        older = Q(pk__lt=min(seen)) if seen else Q()
        found = {
            post_id for entries in (self._entries(), self._own_hidden()) for post_id in _first(entries.filter(older))
        }
        return sorted(found, reverse=True)[:WORDS_AT_ONCE]

    def _by_meaning(self, limit: int) -> list[int]:
        entries = self._entries(plain=False, minus=not self.is_arithmetic)
        near = entries.exclude(meaning=None).annotate(apart=self._apart()).order_by("apart")
        return [post_id for post_id, apart in _scanned(near, limit) if apart <= FARTHEST]

    def _by_picture(self, limit: int) -> list[int]:
        entries = self._entries().exclude(pdq=None).annotate(apart=HammingDistance("pdq", self.pdq))
        return [post_id for post_id, apart in _scanned(entries.order_by("apart"), limit) if apart <= UNLIKE]


def _first(entries: Any) -> Any:
    return entries.order_by("-pk").values_list("pk", flat=True)[:WORDS_AT_ONCE]


@transaction.atomic
def _scanned(entries: Any, limit: int) -> list[tuple[int, float]]:
    """The nearest rows by an HNSW index that reads on until the filters left enough; sorted, the scan is not quite."""
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
    search = Search(query, viewer, matching.scope_of(query, viewer, at), read_as=read_as or {})
    if named := query.one("looks"):
        search.source, search.pdq = _looks(named, viewer, at)
    elif named := query.one("like"):
        search.source, search.vector = _likes(named, query, viewer, at)
    elif query.plain_words() and embedding.is_available():
        words = [search.read_as.get(word.text, word.text) for word in query.words if not word.is_excluded]
        search.vector = embedding.embed([" ".join(words)])[0]
    return search


def _looks(named: str, viewer: Viewer, at: datetime) -> tuple[int | None, str]:
    if len(named) == 64:
        return None, f"{int(named, 16):0256b}"
    entry = _entry_of("looks", named, viewer, at)
    if entry.pdq is None:
        raise _refused("looks", _("That picture is too plain to compare."))
    return entry.pk, str(entry.pdq)


def _likes(named: str, query: Query, viewer: Viewer, at: datetime) -> tuple[int, Vector]:
    entry = _entry_of("like", named, viewer, at)
    if entry.meaning is None or not embedding.is_available():
        raise _refused("like", _("That post has no words to compare, or they were not read yet."))
    more, less = ([word.text for word in query.plain_words(excluded=excluded)] for excluded in (False, True))
    pulls = embedding.embed([*more, *less])
    start = np.asarray(entry.meaning, dtype=np.float32)
    return entry.pk, shifted(start, list(pulls[: len(more)]), list(pulls[len(more) :]))


def _entry_of(name: str, public_id: str, viewer: Viewer, at: datetime) -> SearchEntry:
    shown = Post.objects.shown_to(viewer, at).filter(public_id=public_id)
    entry = SearchEntry.objects.filter(post__in=shown).first()
    if entry is None:
        raise _refused(name, _("There is no such post."))
    return entry


def _refused(name: str, sentence: str) -> Refused:
    sentence = f"{name}: {sentence}"
    return Refused("bad_query", sentence, fields={"q": [sentence]})
