"""Choosing notifications, and the summary that some members want by mail."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.conf import settings
from django.core import signing
from django.core.cache import cache
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Max, Q
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Notification, User
from accounts.services import unread_key
from feed.notifications.models import NotificationChoice, NotificationSettings
from feed.notifications.queries import ALWAYS, KINDS, notices_of, wanted_notifications
from feed.rates import check_member_rate

Digest = NotificationSettings.Digest
PERIODS = {Digest.DAILY: timedelta(days=1), Digest.WEEKLY: timedelta(days=7)}
MAX_NOTIFICATIONS = 50  # in one mail
MAX_DUE = 500  # at a time; beat comes again
_SALT = "feed.digest"


def choose_notifications(
    *, member: User, digest: str, choices: Mapping[str, tuple[bool, bool]], at: datetime | None = None
) -> None:
    """Sets for each kind where it is shown (on the site, by mail), and how often mail comes.

    Notifications from before the mails were turned on are never mailed.

    Raises:
        Refused: 429 too often.
    """
    at = at or timezone.now()
    check_member_rate(member, "profile")
    digest = Digest(digest)
    rows = [
        NotificationChoice(member=member, kind=kind, on_site=on_site or kind in ALWAYS, by_mail=by_mail)
        for kind, (on_site, by_mail) in choices.items()
        if kind in KINDS
    ]
    with transaction.atomic():
        NotificationChoice.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["member", "kind"], update_fields=["on_site", "by_mail"]
        )
        row, _is_new = NotificationSettings.objects.select_for_update().get_or_create(member=member)
        if row.digest != digest:
            begins = row.digest == Digest.NEVER
            row.digest, row.digest_at = digest, None if digest == Digest.NEVER else row.digest_at or at
            row.digest_upto = _newest(member) if begins else row.digest_upto
            row.save(update_fields=["digest", "digest_at", "digest_upto"])
    cache.delete(unread_key(member.pk))


def _newest(member: User) -> int:
    newest: int | None = Notification.objects.filter(recipient=member).aggregate(newest=Max("pk"))["newest"]
    return newest or 0


def due_members(*, at: datetime) -> list[int]:
    """Ids of members whose summary is due, the longest due first."""
    due = Q()
    for digest, period in PERIODS.items():
        due |= Q(digest=digest, digest_at__lte=at - period)
    reachable = NotificationSettings.objects.filter(due, member__is_active=True, member__deleted_at=None)
    return list(reachable.exclude(member__email="").order_by("digest_at").values_list("pk", flat=True)[:MAX_DUE])


def send_digest(*, member_id: int, at: datetime) -> bool:
    """Mails what is new and unread since the last summary, if anything is; False when nothing was sent.

    The turn is taken by one conditional UPDATE before the mail is written, so that no worker writes it twice; where
    the mail does not leave, the turn is given back.
    """
    row = NotificationSettings.objects.select_related("member").filter(pk=member_id).first()
    if row is None or row.digest == Digest.NEVER or row.digest_at is None or not row.member.email:
        return False
    if row.digest_at > at - PERIODS[Digest(row.digest)]:
        return False
    newest = max(row.digest_upto, _newest(row.member))
    turn = NotificationSettings.objects.filter(pk=member_id, digest=row.digest, digest_at=row.digest_at)
    if not turn.update(digest_at=at, digest_upto=newest):
        return False
    try:
        message = _message(row.member, after=row.digest_upto, upto=newest, at=at)
        if message is not None:
            message.send()
    except Exception:
        taken = NotificationSettings.objects.filter(pk=member_id, digest_at=at)
        taken.update(digest_at=row.digest_at, digest_upto=row.digest_upto)
        raise
    return message is not None


def _message(member: User, *, after: int, upto: int, at: datetime) -> EmailMessage | None:
    """The mail, or None when there is nothing new. What its reader may not see is not in it."""
    silent = NotificationChoice.objects.filter(member=member, by_mail=False).values("kind")
    new = wanted_notifications(member).unread().filter(pk__gt=after, pk__lte=upto).exclude(kind__in=silent)
    rows = list(new.order_by("-created_at", "-pk")[: MAX_NOTIFICATIONS + 1])
    notices = notices_of(rows[:MAX_NOTIFICATIONS], member, at)
    if not notices:
        return None
    link = unsubscribe_url(member)
    context = {
        "member": member,
        "notices": notices,
        "more": len(rows) > MAX_NOTIFICATIONS,
        "unsubscribe_url": link,
        "SITE_NAME": settings.SITE_NAME,
        "SITE_URL": settings.SITE_URL,
    }
    return EmailMessage(
        subject=_("Your news from %(site)s") % {"site": settings.SITE_NAME},
        body=render_to_string("feed/digest.txt", context),
        to=[member.email],
        headers={"List-Unsubscribe": f"<{link}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
    )


def unsubscribe_url(member: User) -> str:
    """A link that stops the mails without signing in; it never expires and does nothing else."""
    signed = signing.dumps(member.public_id, salt=_SALT)
    return f"{settings.SITE_URL}{reverse('feed:unsubscribe')}?s={signed}"


def member_of_link(signed: str) -> User | None:
    try:
        public_id = signing.loads(signed, salt=_SALT)
    except signing.BadSignature:
        return None
    found: User | None = User.objects.filter(public_id=public_id, deleted_at=None).first()
    return found


def end_digest(*, member: User) -> None:
    """Stops the mails. Idempotent."""
    NotificationSettings.objects.filter(member=member).update(digest=Digest.NEVER, digest_at=None)
