"""What a member may not do for a time, and the strikes that lead there."""

from datetime import datetime, timedelta
from typing import Literal

from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from accounts.services import end_access
from lib.errors import Refused
from moderation.cases.services import open_case
from moderation.decisions.models import Decision
from moderation.policy import POLICY, Reason
from moderation.restrictions.models import Restriction, Strike

Doing = Literal["generate", "publish", "vote"]
Kind = Restriction.Kind

STRIKE_LIFE = timedelta(days=30)
ONE_A_DAY = timedelta(days=1)
PAUSE_POINTS, MUTE_POINTS = 2, 3
PAUSE = timedelta(days=3)

FORBIDS: dict[Doing, list[Kind]] = {
    "generate": [Kind.NO_GENERATING, Kind.BANNED],
    "publish": [Kind.MUTED, Kind.BANNED],
    "vote": [Kind.MUTED, Kind.BANNED],
}
_WORDS: dict[str, Promise] = {
    Kind.NO_GENERATING: gettext_lazy("Making pictures is paused for your account"),
    Kind.MUTED: gettext_lazy("Publishing, commenting and voting are paused for your account"),
    Kind.BANNED: gettext_lazy("Your account is closed"),
}


def require_unrestricted(*, user: User, doing: Doing, at: datetime | None = None) -> None:
    """Raises Refused (403) with what is paused, and until when, if a restriction in force forbids `doing`."""
    active = Restriction.objects.active(at or timezone.now()).filter(user=user, kind__in=FORBIDS[doing])
    # the member reads about the longest one; one without an end is the longest
    found = max(active, key=lambda each: (each.ends_at is None, each.ends_at), default=None)
    if found is not None:
        raise Refused("restricted", describe(found), status=403)


def describe(restriction: Restriction) -> str:
    """One sentence for the member."""
    what = str(_WORDS[restriction.kind])
    if restriction.ends_at is None and restriction.kind == Kind.BANNED:
        return _("%(what)s for good.") % {"what": what}
    if restriction.ends_at is None:
        return _("%(what)s until a moderator has reviewed it.") % {"what": what}
    until = date_format(timezone.localtime(restriction.ends_at), "DATETIME_FORMAT")
    return _("%(what)s until %(until)s.") % {"what": what, "until": until}


def restrict_member(
    *,
    user: User,
    kind: str,
    until: datetime | None,
    decision: Decision | None,
    at: datetime | None = None,
) -> Restriction:
    """A restriction from now `until` (None: until it is lifted). A ban ends sessions and tokens at once."""
    now = at or timezone.now()
    with transaction.atomic():
        row = Restriction.objects.create(user=user, kind=Kind(kind), decision=decision, starts_at=now, ends_at=until)
        if kind == Kind.BANNED:
            User.objects.filter(pk=user.pk).update(is_active=False)
            transaction.on_commit(lambda: end_access(user=user))
    return row


def end_restriction(*, restriction: Restriction, at: datetime | None = None) -> bool:
    """Ends a restriction early, as a decision says; a member whose last ban ends may sign in again.

    False when it was lifted before.
    """
    now = at or timezone.now()
    with transaction.atomic():
        is_new = Restriction.objects.filter(pk=restriction.pk, lifted_at=None).update(lifted_at=now)
        if is_new:
            _readmit([restriction.user_id], now)
    return bool(is_new)


def end_expired_restrictions(*, at: datetime | None = None) -> int:
    """Lets members back in whose ban has run out; returns how many."""
    now = at or timezone.now()
    over = Restriction.objects.filter(kind=Kind.BANNED, lifted_at=None, ends_at__lte=now, user__is_active=False)
    return _readmit(list(over.values_list("user_id", flat=True)), now)


def _readmit(user_ids: list[int], at: datetime) -> int:
    banned = Restriction.objects.banned(at).values("user_id")
    inactive = User.objects.filter(pk__in=user_ids, is_active=False, deleted_at=None)
    back = inactive.filter(restrictions__kind=Kind.BANNED).exclude(pk__in=banned).values("pk")
    return int(User.objects.filter(pk__in=back).update(is_active=True))


def add_strike(*, user: User, decision: Decision, at: datetime) -> Strike | None:
    """The strike that a removal brings, and what follows from the sum; at most one a rolling day.

    Two points within 30 days pause generating for three days; three mute the member until a moderator
    has looked at the account. Call inside the decision's transaction.
    """
    User.objects.select_for_update().get(pk=user.pk)  # removals of one author at a time are put in an order
    if Strike.objects.filter(user=user, voided_at=None, created_at__gt=at - ONE_A_DAY).exists():
        return None
    strike = Strike.objects.create(user=user, decision=decision, created_at=at, expires_at=at + STRIKE_LIFE)
    points = sum(Strike.objects.active(at).filter(user=user).values_list("points", flat=True))
    if points >= MUTE_POINTS:
        restrict_member(user=user, kind=Kind.MUTED, until=None, decision=decision, at=at)
        open_case(target=user, origin="strikes", severity=POLICY[Reason.STRIKES].severity, at=at)
    elif points >= PAUSE_POINTS:
        restrict_member(user=user, kind=Kind.NO_GENERATING, until=at + PAUSE, decision=decision, at=at)
    return strike


def undo_consequences(*, decision: Decision, at: datetime) -> None:
    """Voids the strike and lifts the restrictions that a decision brought. Call inside a transaction."""
    Strike.objects.filter(decision=decision, voided_at=None).update(voided_at=at)
    for restriction in Restriction.objects.filter(decision=decision, lifted_at=None):
        end_restriction(restriction=restriction, at=at)
