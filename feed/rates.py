"""How often a member may do what; pages and the API ask here before they call a service."""

from typing import Literal

from accounts.limits import check_rate
from accounts.models import User

_RATES = {  # uses, seconds
    "publish": (60, 3600),
    "like": (120, 60),
    "profile": (20, 3600),
}


def check_member_rate(member: User, doing: Literal["publish", "like", "profile"]) -> None:
    """Raises Refused (429)."""
    limit, seconds = _RATES[doing]
    check_rate(key=f"feed:{doing}:{member.pk}", limit=limit, seconds=seconds)
