"""The orders a list can have: sorts, time windows and rated aspects, with their names."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

SORT_NAMES: dict[str, str | Promise] = {
    "hot": _("Hot"),
    "new": _("New"),
    "rising": _("Rising"),
    "top": _("Top"),
    "following": _("Following"),
    "controversial": _("Controversial"),
    "best": _("Best of an aspect"),
}
WINDOWS = {"day": 1, "week": 7, "month": 30, "year": 365, "all": None}  # days
WINDOW_NAMES: dict[str, str | Promise] = {
    "day": _("Day"),
    "week": _("Week"),
    "month": _("Month"),
    "year": _("Year"),
    "all": _("All time"),
}
ASPECT_NAMES: dict[str, str | Promise] = {
    "lighting": _("Best lighting"),
    "colour": _("Best colour"),
    "subject": _("Best subject"),
    "background": _("Best background"),
}


def list_name(sort: str, window: str = "", aspect: str = "") -> str:
    """The name under which a list is stored, such as ``"hot"``, ``"top-week"`` or ``"best-lighting"``."""
    return "-".join(filter(None, [sort, window if sort == "top" else "", aspect]))


def list_label(name: str) -> str:
    """A list name for people: “Top · Week” for ``"top-week"``."""
    sort, _dash, part = name.partition("-")
    if sort == "best":
        return str(ASPECT_NAMES[part])
    return f"{SORT_NAMES[sort]} · {WINDOW_NAMES[part]}" if part else str(SORT_NAMES[sort])
