"""The webhook outbox: claiming what is due, and noting what became of it."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User, Webhook, WebhookDelivery
from accounts.webhooks import sending
from lib.errors import NotFound
from lib.limits import check_rate

MAX_ATTEMPTS = 8
RESUMES, RESUMES_WITHIN = 10, 600  # of one member, in seconds
LEASE = timedelta(minutes=2)  # longer than a call may take; a worker that dies leaves the row due again
KEPT = timedelta(days=30)  # what the log shows
FIRST_PAUSE = timedelta(seconds=30)  # four times longer after each failure: the last comes after about two days


def deliver_due(*, limit: int = 50, at: datetime | None = None) -> int:
    """Delivers up to `limit` due events, each claimed by one worker alone; returns how many were tried."""
    now = at or timezone.now()
    for tried in range(limit):
        delivery = _claim(now)
        if delivery is None:
            return tried
        # Outside any transaction: somebody else's server may take seconds to answer.
        _settle(delivery, sending.post(delivery, now), now)
    return limit


def _claim(at: datetime) -> WebhookDelivery | None:
    with transaction.atomic():
        due = WebhookDelivery.objects.due(at).filter(webhook__is_active=True).order_by("not_before")
        delivery = due.select_for_update(of=("self",), skip_locked=True).select_related("webhook").first()
        if delivery is None:
            return None
        delivery.attempts += 1
        delivery.not_before = at + LEASE
        delivery.save(update_fields=["attempts", "not_before"])
    return delivery


def _settle(delivery: WebhookDelivery, status: int | None, at: datetime) -> None:
    delivery.last_status = status
    if status is not None and 200 <= status < 300:
        delivery.delivered_at = at
    elif delivery.attempts >= MAX_ATTEMPTS:
        delivery.failed_at = at
        Webhook.objects.filter(pk=delivery.webhook_id).update(is_active=False)
    else:
        delivery.not_before = at + FIRST_PAUSE * 4 ** (delivery.attempts - 1)
    delivery.save(update_fields=["last_status", "delivered_at", "failed_at", "not_before"])


def resume_webhook(*, user: User, public_id: str, at: datetime | None = None) -> int:
    """Switches a webhook of the member's on again and sends what it missed; returns how many events. Idempotent.

    Raises:
        NotFound: there is no such webhook of the member's.
        Refused: 429 for a member who does so too often.
    """
    now = at or timezone.now()
    check_rate(key=f"webhook:{user.pk}", limit=RESUMES, seconds=RESUMES_WITHIN)
    with transaction.atomic():
        hook = Webhook.objects.select_for_update().filter(user=user, public_id=public_id).first()
        if hook is None:
            raise NotFound(_("There is no such webhook."))
        Webhook.objects.filter(pk=hook.pk, is_active=False).update(is_active=True)
        missed = WebhookDelivery.objects.filter(webhook=hook, delivered_at=None, failed_at__isnull=False)
        return missed.update(failed_at=None, attempts=0, not_before=now)


def forget_deliveries(*, at: datetime | None = None) -> int:
    """Deletes what the log no longer shows; returns how many rows."""
    settled = WebhookDelivery.objects.exclude(delivered_at=None, failed_at=None)
    return settled.filter(created_at__lt=(at or timezone.now()) - KEPT).delete()[0]
