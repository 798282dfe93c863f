"""The lists somebody may read: which order, over which time or aspect, for which audience."""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User, Viewer, level_for
from feed.lists import diversity
from feed.tags.normalisation import LONGEST_TAG, normal_tag
from lib.errors import Refused

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


WINDOWS = {"day": 1, "week": 7, "month": 30, "year": 365, "all": None}  # days
WINDOW_NAMES: dict[str, str | Promise] = {
    "day": gettext_lazy("Day"),
    "week": gettext_lazy("Week"),
    "month": gettext_lazy("Month"),
    "year": gettext_lazy("Year"),
    "all": gettext_lazy("All time"),
}
ASPECT_NAMES: dict[str, str | Promise] = {
    "lighting": gettext_lazy("Best lighting"),
    "colour": gettext_lazy("Best colour"),
    "subject": gettext_lazy("Best subject"),
    "background": gettext_lazy("Best background"),
}
SORT_NAMES: dict[str, str | Promise] = {
    "hot": gettext_lazy("Hot"),
    "new": gettext_lazy("New"),
    "rising": gettext_lazy("Rising"),
    "top": gettext_lazy("Top"),
    "following": gettext_lazy("Following"),
    "controversial": gettext_lazy("Controversial"),
    "best": gettext_lazy("Best of an aspect"),
}
LISTING_WORDS = ("sort", "window", "aspect", "tag")  # of a URL, in the order of `Listing.of`
# Seconds for which everybody shares one snapshot: the slower a list moves, the longer.
_SHARED = {"hot": 45, "following": 45, "new": 30, "rising": 60, "controversial": 900, "best": 900}
_SHARED_TOP = {"day": 60, "week": 300, "month": 900, "year": 1_800, "all": 3_600}
MIXED = frozenset({"hot", "following", "rising"})  # where authors are spread; the others are exactly what they say


@dataclass(frozen=True)
class Listing:
    """One order for one audience. Further filters become fields here and enter `filter_hash` by themselves."""

    sort: str
    window: str
    level: int
    aspect: str = ""
    member: int = 0  # whose follows; 0 where the list is everybody's
    tag: str = ""  # in its one spelling; what has it, or what it is an alias of

    @classmethod
    def of(cls, viewer: Viewer, sort: str = "", window: str = "", aspect: str = "", tag: str = "") -> "Listing":
        """From words of a URL.

        Raises:
            Refused: 400 for a sort, window or aspect that there is not; 403 for what visitors cannot have.
        """
        sort = sort or "hot"
        if sort not in SORT_NAMES:
            names = ", ".join(SORT_NAMES)
            raise Refused("unknown_sort", _("There is no such order. Choose one of: %(names)s.") % {"names": names})
        if sort != "top":
            window = "all"
        elif (window := window or "day") not in WINDOWS:
            raise Refused("unknown_window", _("There is no such time. Choose day, week, month, year or all."))
        if sort != "best":
            aspect = ""
        elif (aspect := aspect or "lighting") not in ASPECT_NAMES:
            names = ", ".join(ASPECT_NAMES)
            raise Refused("unknown_aspect", _("There is no such aspect. Choose one of: %(names)s.") % {"names": names})
        tag = normal_tag(tag[:LONGEST_TAG])
        if sort != "following":
            return cls(sort, window, level_for(viewer), aspect, tag=tag)
        if not isinstance(viewer, User):
            raise Refused("sign_in", _("Sign in to see what the members you follow publish."), status=403)
        return cls(sort, window, level_for(viewer), member=viewer.pk, tag=tag)

    @property
    def name(self) -> str:
        return "-".join(filter(None, [self.sort, self.window if self.sort == "top" else "", self.aspect]))

    @property
    def order(self) -> str:
        """What the list is sorted by; falls in it are kept under this name (`RankFall.list`)."""
        return "hot" if self.sort == "following" else self.name

    @property
    def label(self) -> str:
        return str(ASPECT_NAMES[self.aspect] if self.aspect else SORT_NAMES[self.sort])

    @property
    def filter_hash(self) -> str:
        """Changes with anything but the order itself; a cursor fits one hash only."""
        filters = {name: value for name, value in vars(self).items() if name not in {"sort", "window", "aspect"}}
        return hashlib.sha256(json.dumps(filters, sort_keys=True).encode()).hexdigest()[:12]

    @property
    def shared_seconds(self) -> int:
        return _SHARED_TOP[self.window] if self.sort == "top" else _SHARED[self.sort]

    @property
    def block(self) -> int:
        """Rows that may change places with each other."""
        return diversity.BLOCK if self.sort in MIXED else 1

    @property
    def reach(self) -> timedelta | None:
        """How far back from its beginning a reading of the list goes."""
        days = WINDOWS[self.window]
        return None if days is None else timedelta(days=days)


def as_key(value: float | datetime) -> float:
    """A sort value as a float: microseconds of a time are whole and below 2**53, so nothing is lost."""
    return float((value - EPOCH) // MICROSECOND) if isinstance(value, datetime) else float(value)
