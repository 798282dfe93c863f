"""How often a member may do what; pages and the API ask here before they call a service."""

from typing import Literal

from accounts.models import User
from lib.limits import check_rate

Doing = Literal["publish", "like", "save", "comment", "collection", "reproduce", "profile", "people"]
_RATES: dict[Doing, tuple[int, int]] = {  # uses, seconds
    "publish": (60, 3600),
    "like": (120, 60),
    "save": (120, 60),
    "comment": (20, 300),
    "collection": (60, 3600),
    "reproduce": (30, 3600),
    "people": (120, 600),
    "profile": (20, 3600),
}


def check_member_rate(member: User, doing: Doing) -> None:
    """Raises Refused (429)."""
    limit, seconds = _RATES[doing]
    check_rate(key=f"feed:{doing}:{member.pk}", limit=limit, seconds=seconds)
