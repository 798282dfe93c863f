"""Writes about members, called by pages, the API, commands and the apps above."""

import json
import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.core.cache import cache
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.hooks import FilesOf, personal_data
from accounts.models import (
    TEXT_VERSION,
    ConsentEvent,
    Notification,
    Purpose,
    User,
    Webhook,
    WebhookDelivery,
    WebhookEvent,
)
from accounts.tasks import deliver_webhooks
from accounts.tokens.services import end_tokens
from accounts.webhooks import sending
from lib.content_levels import ContentLevel
from lib.errors import NotFound, Refused
from lib.limits import check_rate
from lib.tasks import enqueue_on_commit

MAX_WEBHOOKS = 10


class Removal(Protocol):
    """Takes away one of the member's own things; somebody else's is not found."""

    def __call__(self, *, user: User, public_id: str) -> None: ...


def notify(
    *, recipient: User, kind: str, target: models.Model, actor: User | None = None, at: datetime | None = None
) -> None:
    """Notifies a member that something happened to `target`. Idempotent; the actor is never notified."""
    if recipient.deleted_at or (actor is not None and actor.pk == recipient.pk):
        return
    row = Notification(
        recipient=recipient,
        kind=kind,
        actor=actor,
        target_type=target._meta.label_lower,
        target_id=target.pk,
        created_at=at or timezone.now(),
    )
    Notification.objects.bulk_create([row], ignore_conflicts=True)
    _forget_unread(recipient.pk)


def unread_key(member_id: int) -> str:
    """Where the cache keeps how many unread notifications a member has."""
    return f"accounts:unread:{member_id}"


def _forget_unread(member_id: int) -> None:
    """Now, for this transaction, and when others can see what it wrote."""
    cache.delete(unread_key(member_id))
    transaction.on_commit(lambda: cache.delete(unread_key(member_id)))


def mark_notifications_read(*, recipient: User, until: int | None = None, at: datetime | None = None) -> int:
    """Marks notifications with ids up to `until` (all without it) as read; returns how many were not."""
    unread = Notification.objects.unread().filter(recipient=recipient)
    if until is not None:
        unread = unread.filter(pk__lte=until)
    changed = unread.update(read_at=at or timezone.now())
    _forget_unread(recipient.pk)
    return changed


def emit(*, user: User, event: str, target: models.Model, at: datetime | None = None) -> None:
    """Puts an event about `target` (a model with a public id) into the outbox of each webhook that asked for it."""
    now = at or timezone.now()
    hooks = Webhook.objects.filter(user=user, is_active=True, events__contains=[WebhookEvent(event).value])
    rows = [
        WebhookDelivery(
            webhook=hook,
            event=event,
            target_type=target._meta.label_lower,
            target_public_id=target.public_id,  # type: ignore[attr-defined]
            created_at=now,
            not_before=now,
        )
        for hook in hooks
    ]
    if rows:
        WebhookDelivery.objects.bulk_create(rows)
        enqueue_on_commit(deliver_webhooks)


def record_consent(*, user: User, purpose: Purpose | str, granted: bool, at: datetime | None = None) -> None:
    """Appends what the member chose; choosing again what already holds appends nothing."""
    purpose = Purpose(purpose)
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)  # two answers at a time are put in an order
        latest = ConsentEvent.objects.filter(user=user, purpose=purpose).order_by("-at", "-pk").first()
        if latest is not None and (latest.granted, latest.text_version) == (granted, TEXT_VERSION):
            return
        if latest is None and not granted:
            return  # refused is the default
        ConsentEvent.objects.create(
            user=user, purpose=purpose, granted=granted, text_version=TEXT_VERSION, at=at or timezone.now()
        )


def set_viewing(*, user: User, is_adult: bool, max_level: int) -> None:
    """Sets what the member wants to be shown; mature needs a stated age, and a locked site stays general."""
    if max_level >= ContentLevel.MATURE and not is_adult:
        message = _("Mature pictures are for adults: say that you are 18 or older, or choose another level.")
        raise Refused("age_needed", message, fields={"max_level": [message]})
    if settings.SAFE_MODE and max_level > ContentLevel.GENERAL:
        message = _("This site shows general pictures only.")
        raise Refused("site_is_general", message, fields={"max_level": [message]})
    user.is_adult, user.max_level = is_adult, max_level
    user.save(update_fields=["is_adult", "max_level"])


def register_webhook(*, user: User, url: str, events: list[str]) -> Webhook:
    """A new webhook with a fresh secret; raises Refused for an address that leads into a private network."""
    sending.check_address(url)
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)  # the count below must hold
        if Webhook.objects.filter(user=user).count() >= MAX_WEBHOOKS:
            raise Refused("too_many_webhooks", _("You have 10 webhooks already. Remove one first."), status=409)
        return Webhook.objects.create(
            user=user, url=url, secret=secrets.token_hex(32), events=[WebhookEvent(event).value for event in events]
        )


def remove_webhook(*, user: User, public_id: str) -> None:
    if not Webhook.objects.filter(user=user, public_id=public_id).delete()[0]:
        raise NotFound(_("There is no such webhook."))


def end_access(*, user: User, keep: SessionBase | None = None) -> None:
    """Ends the member's sessions and API tokens at once; `keep` spares the session that asks (and the tokens)."""
    from allauth.usersessions.models import UserSession  # its models need the app registry

    sessions = UserSession.objects.filter(user=user)
    if keep is not None:
        sessions = sessions.exclude(session_key=keep.session_key)
    for session in sessions:
        session.end()
    if keep is None:
        end_tokens(user=user)


def check_export_rate(*, user: User) -> None:
    """Raises Refused (429): collecting everything about a member is costly."""
    check_rate(key=f"export:{user.pk}", limit=6, seconds=3600)


def export_personal_data(*, user: User) -> dict[str, Any]:
    """Everything kept about a member: one entry per app, of values that DjangoJSONEncoder writes."""
    return {name: part.export(user) for name, part in personal_data().items()}


def export_personal_files(*, user: User) -> list[tuple[str, Callable[[], bytes]]]:
    """The same as files: a JSON file per app, then what apps add (pictures, and how to make them again).

    What the database knows is read now, files of the store when their turn comes: that may be in another thread,
    which would keep a connection of its own.
    """
    parts = personal_data()
    files = [(f"{name}.json", _as_file(part.export(user))) for name, part in parts.items()]
    for part in parts.values():
        files_of: FilesOf | None = getattr(part, "export_files", None)
        files += files_of(user) if files_of is not None else []
    return files


def _as_file(content: dict[str, Any]) -> Callable[[], bytes]:
    written = json.dumps(content, cls=DjangoJSONEncoder, indent=2, ensure_ascii=False).encode()
    return lambda: written


def delete_account(*, user: User, at: datetime | None = None) -> None:
    """Erases a member in every app and leaves a blank tombstone; all of it or, on an error, nothing."""
    now = at or timezone.now()
    with transaction.atomic():
        locked = User.objects.select_for_update().get(pk=user.pk)
        if locked.deleted_at is not None:
            return
        for part in reversed(personal_data().values()):  # the top layer first
            part.erase(locked)
        _blank(locked, now)
    user.refresh_from_db()


def _blank(user: User, at: datetime) -> None:
    end_access(user=user)
    user.groups.clear()
    user.user_permissions.clear()
    user.username, user.email, user.look = f"deleted-{user.public_id}", "", None
    user.is_active = user.is_staff = user.is_superuser = user.is_adult = False
    user.max_level, user.last_login, user.deleted_at = ContentLevel.GENERAL, None, at
    user.set_unusable_password()
    user.save()
