"""The lists somebody may read: which order, over which time, for which audience; and their rows from the database."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.db.models import Exists, F, Func, OuterRef, Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.errors import Refused
from accounts.models import Viewer, level_for
from feed import diversity
from feed.models import FeedEntry, RankFall

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class Place(NamedTuple):
    """A place in an order: everything above it is greater. `key` is what the order sorts by, as a float."""

    key: float
    post_id: int


class Passed(NamedTuple):
    """A part of a list that was read: as the database stood at `moment` (a pg_snapshot), down to `end`."""

    moment: str
    end: Place


class Row(NamedTuple):
    place: Place
    author_id: int


WINDOWS = {"day": 1, "week": 7, "month": 30, "year": 365, "all": None}  # days
WINDOW_NAMES = {
    "day": gettext_lazy("Day"),
    "week": gettext_lazy("Week"),
    "month": gettext_lazy("Month"),
    "year": gettext_lazy("Year"),
    "all": gettext_lazy("All time"),
}
# Seconds for which everybody shares one snapshot: the slower a list moves, the longer.
_SHARED = {"hot": 45, "new": 30, "day": 60, "week": 300, "month": 900, "year": 1_800, "all": 3_600}
_COLUMNS = {"hot": "hot", "new": "published_at", "top": "weight"}


@dataclass(frozen=True)
class Listing:
    """One order for one audience. Further filters become fields here and enter `filter_hash` by themselves."""

    sort: str
    window: str
    level: int

    @classmethod
    def of(cls, viewer: Viewer, sort: str = "", window: str = "") -> "Listing":
        """From words of a URL.

        Raises:
            Refused: 400 for a sort or window that there is not.
        """
        sort = sort or "hot"
        if sort not in _COLUMNS:
            raise Refused("unknown_sort", _("There is no such order. Choose hot, new or top."))
        if sort != "top":
            window = "all"
        elif (window := window or "day") not in WINDOWS:
            raise Refused("unknown_window", _("There is no such time. Choose day, week, month, year or all."))
        return cls(sort=sort, window=window, level=level_for(viewer))

    @property
    def name(self) -> str:
        return f"top-{self.window}" if self.sort == "top" else self.sort

    @property
    def filter_hash(self) -> str:
        """Changes with anything but the order itself; a cursor fits one hash only."""
        filters = {name: value for name, value in vars(self).items() if name not in {"sort", "window"}}
        return hashlib.sha256(json.dumps(filters, sort_keys=True).encode()).hexdigest()[:12]

    @property
    def shared_seconds(self) -> int:
        return _SHARED[self.window if self.sort == "top" else self.sort]

    @property
    def block(self) -> int:
        """Rows that may change places with each other. New and top are exactly what they say; hot mixes authors."""
        return diversity.BLOCK if self.sort == "hot" else 1

    def rows(
        self, *, began: datetime, passed: Sequence[Passed], skip: Sequence[int], limit: int
    ) -> tuple[list[Row], str]:
        """The best rows below what was passed, and the moment (a pg_snapshot) at which they were read.

        Args:
            began: when the reader began; a window reaches back from there, so that it stands still.
            passed: the parts already read, the latest last. What fell out of one since is left out here.
            skip: post ids already shown that no part covers.
        """
        entries = self._entries(began).exclude(pk__in=skip)
        if passed:
            entries = entries.filter(self._below(passed[-1].end))
        for part in passed:
            entries = entries.exclude(Exists(self._fallen_out_of(part)))
        column = self._column
        moment = Cast(Func(function="pg_current_snapshot"), TextField())
        found = list(
            entries.annotate(moment=moment)
            .order_by(F(column).desc(), "-pk")
            .values_list(column, "pk", "author_id", "moment")[:limit]
        )
        rows = [Row(Place(as_key(value), post_id), author_id) for value, post_id, author_id, _moment in found]
        return rows, found[0][3] if found else ""

    @property
    def _column(self) -> str:
        return "post__count__weight" if self.sort == "top" else _COLUMNS[self.sort]

    def _entries(self, began: datetime) -> QuerySet[FeedEntry]:
        entries = FeedEntry.objects.filter(is_visible=True, content_level__lte=self.level)
        days = WINDOWS[self.window]
        return entries if days is None else entries.filter(published_at__gte=began - timedelta(days=days))

    def _below(self, place: Place) -> Q:
        """Written so that an index on (column, id) is entered at the place."""
        column, value = self._column, self.from_key(place.key)
        return Q(**{f"{column}__lte": value}) & (Q(**{f"{column}__lt": value}) | Q(pk__lt=place.post_id))

    def _fallen_out_of(self, part: Passed) -> QuerySet[RankFall]:
        """Falls since a part was read, from a place within or above it: those posts were shown."""
        if self.sort == "new":
            return RankFall.objects.none()
        column = _COLUMNS[self.sort]
        above = Q(**{f"{column}__gt": part.end.key}) | Q(**{column: part.end.key, "post__gte": part.end.post_id})
        return RankFall.objects.filter(above, post=OuterRef("pk")).committed_after(part.moment)

    def from_key(self, key: float) -> float | datetime:
        return EPOCH + int(key) * MICROSECOND if self.sort == "new" else key


def as_key(value: float | datetime) -> float:
    """A sort value as a float: microseconds of a time are whole and below 2**53, so nothing is lost."""
    return float((value - EPOCH) // MICROSECOND) if isinstance(value, datetime) else float(value)
