"""What a member may still have drawn: cost units within any 24 hours, and images waiting at once.

The image rows are the ledger. A pending image reserves its cost; when it is ready that is charged, once; where it fails
or is cancelled it is free again.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Min, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import User
from generation.models import Image
from lib.errors import Refused

DAY = timedelta(hours=24)


@dataclass(frozen=True)
class Allowance:
    """Cost units of a member; a limit of None is none."""

    limit: int | None
    used: int
    refills_at: datetime | None  # when the oldest of what was used is forgotten

    @property
    def left(self) -> int | None:
        return None if self.limit is None else max(0, self.limit - self.used)

    @property
    def left_percent(self) -> int:
        """Of the limit, rounded down; 100 where there is none."""
        return 100 * (self.left or 0) // self.limit if self.limit else 100

    def fits(self, cost: int) -> bool:
        return self.limit is None or self.used + cost <= self.limit

    def share_of(self, cost: int) -> int:
        """Per cent of the limit, rounded up; 0 where there is none."""
        return -(-100 * cost // self.limit) if self.limit else 0


def allowance_of(author: User, at: datetime) -> Allowance:
    charged = Image.objects.charged(author, at - DAY)
    totals = charged.aggregate(used=Sum(Coalesce("charged_units", "cost_units")), oldest=Min("queued_at"))
    oldest = totals["oldest"]
    refills_at = None if oldest is None else oldest + DAY
    return Allowance(settings.DAILY_COST_UNITS or None, totals["used"] or 0, refills_at)


def require_budget(author: User, *, count: int, cost: int, at: datetime) -> None:
    """Call while holding SELECT FOR UPDATE on the member's row: two requests must not both take what is left.

    Raises:
        Refused: 429, "too_many_pending" or "daily_limit".
    """
    pending = Image.objects.filter(author=author).pending().count()
    if pending + count > settings.MAX_PENDING_IMAGES:
        message = _("You already have %(n)s images in the queue. Wait until some are ready, or cancel some.")
        raise Refused("too_many_pending", message % {"n": pending}, status=429)
    allowance = allowance_of(author, at)
    if not allowance.fits(cost):
        raise Refused("daily_limit", _too_much(allowance, cost), status=429)


def _too_much(allowance: Allowance, cost: int) -> str:
    asked = _("This needs %(cost)s %% of what you may use in 24 hours, and %(left)s %% is left.") % {
        "cost": allowance.share_of(cost),
        "left": allowance.left_percent,
    }
    advice = _("Try fewer images, fewer steps or a smaller size.")
    if allowance.refills_at is None:
        return f"{asked} {advice}"
    when = date_format(timezone.localtime(allowance.refills_at), "DATETIME_FORMAT")
    return f"{asked} {advice} " + _("It starts to refill at %(when)s.") % {"when": when}
