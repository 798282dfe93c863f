"""Accounts' part of “download my data” and “delete my account” (see accounts.hooks)."""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.db.models import Q

from accounts import services
from accounts.models import ApiToken, ConsentEvent, Notification, Purpose, User, Webhook

COVERED = frozenset(
    {
        "accounts.User.groups",
        "accounts.User.user_permissions",
        "accounts.ConsentEvent.user",
        "accounts.Notification.recipient",
        "accounts.Notification.actor",
        "accounts.Webhook.user",
        "accounts.ApiToken.user",
        "account.EmailAddress.user",
        "mfa.Authenticator.user",
        "usersessions.UserSession.user",
        "admin.LogEntry.user",  # what staff did stays in the log, under the tombstone's name
    }
)


def export(user: User) -> dict[str, Any]:
    return {
        "username": user.username,
        "email": user.email,
        "joined": user.date_joined,
        "last_sign_in": user.last_login,
        "is_adult": user.is_adult,
        "max_level": user.get_max_level_display(),
        "consent": list(
            ConsentEvent.objects.filter(user=user).order_by("pk").values("purpose", "granted", "text_version", "at")
        ),
        "notifications": list(
            Notification.objects.filter(recipient=user)
            .order_by("pk")
            .values("kind", "target_type", "created_at", "read_at")
        ),
        "webhooks": list(
            Webhook.objects.filter(user=user).order_by("pk").values("url", "events", "is_active", "created_at")
        ),
        "tokens": list(
            ApiToken.objects.filter(user=user)
            .order_by("created")
            .values("name", "scopes", "created", "expiry", "last_used_at")
        ),
        "sessions": list(
            UserSession.objects.filter(user=user)
            .order_by("pk")
            .values("ip", "user_agent", "created_at", "last_seen_at")
        ),
    }


def erase(user: User) -> None:
    for purpose in Purpose:
        services.record_consent(user=user, purpose=purpose, granted=False)
    Notification.objects.filter(Q(recipient=user) | Q(actor=user)).delete()
    Webhook.objects.filter(user=user).delete()
    EmailAddress.objects.filter(user=user).delete()
    Authenticator.objects.filter(user=user).delete()
