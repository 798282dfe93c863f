"""What a list is: its sort, its window or aspect, and the audience and filters it is made for."""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import User, Viewer, level_for
from feed.lists import diversity
from feed.lists.filters import NOTHING, Filters
from feed.ranking.orders import ASPECT_NAMES, SORT_NAMES, WINDOW_NAMES, WINDOWS, list_name
from feed.tags.normalisation import MAX_TAG_LENGTH, normalise_tag
from lib.errors import Refused

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class SortKey(NamedTuple):
    """Where a post stands in a list: lists are sorted by this, descending. `value` is the sort column as a float."""

    value: float
    post_id: int


class ReadRange(NamedTuple):
    """A part of a list that was read: down to `end`, as a statement with this `pg_snapshot` saw it."""

    pg_snapshot: str
    end: SortKey


SPEC_PARAMETERS = ("sort", "window", "aspect", "tag")  # of a URL, in the order of `FeedSpec.parse`
# Seconds for which all readers share one snapshot: the slower a list changes, the longer.
_SHARED_SECONDS = {"hot": 45, "following": 45, "new": 30, "rising": 60, "controversial": 900, "best": 900}
_TOP_SHARED_SECONDS = {"day": 60, "week": 300, "month": 900, "year": 1_800, "all": 3_600}
DIVERSIFIED_SORTS = frozenset({"hot", "following", "rising"})  # authors are spread; other sorts keep their exact order


@dataclass(frozen=True)
class FeedSpec:
    """A sort for an audience. A further filter becomes a field here and enters `filter_hash` by itself."""

    sort: str
    window: str
    level: int
    aspect: str = ""
    member: int = 0  # whose follows; 0 for a list that is the same for everybody
    tag: str = ""  # normalised; an alias stands for its tag
    filters: Filters = NOTHING
    is_stacked: bool = False  # variations of one generation stand behind the first of them

    @classmethod
    def parse(cls, viewer: Viewer, sort: str = "", window: str = "", aspect: str = "", tag: str = "") -> "FeedSpec":
        """Reads the parameters of a URL.

        Raises:
            Refused: 400 for an unknown sort, window or aspect; 403 for a visitor who asks for `following`.
        """
        sort = sort or "hot"
        if sort not in SORT_NAMES:
            names = ", ".join(SORT_NAMES)
            raise Refused("unknown_sort", _("Unknown sort. Choose one of: %(names)s.") % {"names": names})
        if sort != "top":
            window = "all"
        elif (window := window or "day") not in WINDOWS:
            raise Refused("unknown_window", _("Unknown time range. Choose day, week, month, year or all."))
        if sort != "best":
            aspect = ""
        elif (aspect := aspect or "lighting") not in ASPECT_NAMES:
            names = ", ".join(ASPECT_NAMES)
            raise Refused("unknown_aspect", _("Unknown aspect. Choose one of: %(names)s.") % {"names": names})
        tag = normalise_tag(tag[:MAX_TAG_LENGTH])
        if sort != "following":
            return cls(sort, window, level_for(viewer), aspect, tag=tag)
        if not isinstance(viewer, User):
            raise Refused("sign_in", _("Sign in to see pictures by members you follow."), status=403)
        return cls(sort, window, level_for(viewer), member=viewer.pk, tag=tag)

    @property
    def name(self) -> str:
        return list_name(self.sort, self.window, self.aspect)

    @property
    def order(self) -> str:
        """The name of the ranking behind this list, under which its drops are recorded (`RankDrop.list`)."""
        return "hot" if self.sort == "following" else self.name

    @property
    def label(self) -> str:
        return str(ASPECT_NAMES[self.aspect] if self.aspect else SORT_NAMES[self.sort])

    @property
    def heading(self) -> str:
        if self.sort == "hot" and not self.tag:
            return _("Pictures people like now")
        window = WINDOW_NAMES[self.window] if self.sort == "top" else ""
        return " · ".join(str(part) for part in (self.tag, self.label, window) if part)

    @property
    def filter_hash(self) -> str:
        """Changes with every filter, not with the sort. A cursor is only valid for the hash it was made for."""
        apart = {"sort", "window", "aspect", "is_stacked", "filters"}
        filters = {name: value for name, value in vars(self).items() if name not in apart} | self.filters.parameters()
        return hashlib.sha256(json.dumps(filters, sort_keys=True).encode()).hexdigest()[:12]

    @property
    def shared_seconds(self) -> int:
        return _TOP_SHARED_SECONDS[self.window] if self.sort == "top" else _SHARED_SECONDS[self.sort]

    @property
    def block_size(self) -> int:
        """How many neighbours may be reordered among themselves."""
        return diversity.BLOCK if self.sort in DIVERSIFIED_SORTS else 1

    @property
    def window_length(self) -> timedelta | None:
        days = WINDOWS[self.window]
        return None if days is None else timedelta(days=days)

    def url(self, **more: str) -> str:
        """The address of the list's page, with `more` query parameters; defaults and empty values are left out."""
        words = {"sort": self.sort if self.sort != "hot" else "", "aspect": self.aspect, "tag": self.tag}
        words |= self.filters.parameters()
        if self.sort == "top":
            words["window"] = self.window
        query = urlencode({name: value for name, value in {**words, **more}.items() if value})
        return reverse("feed:list") + (f"?{query}" if query else "")


def sort_value(column: float | datetime) -> float:
    """A sort column as a float. Microseconds of a time are whole numbers below 2**53, so nothing is lost."""
    return float((column - EPOCH) // MICROSECOND) if isinstance(column, datetime) else float(column)
