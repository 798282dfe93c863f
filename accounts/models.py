"""Members, their consent, notifications, webhooks and API tokens."""

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractUser, AnonymousUser, UserManager
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.contrib.sessions.backends.base import SessionBase
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from knox.models import AbstractAuthToken

from accounts.sign_in.names import LookField, look_of
from accounts.tokens.scopes import Scope, every_scope
from lib.content_levels import ContentLevel
from lib.ids import PublicIdModel


class Role(models.TextChoices):
    """Names of the Groups that carry a role."""

    MODERATOR = "moderator", _("Moderator")
    RESEARCHER = "researcher", _("Researcher")
    STAFF = "staff", _("Staff")


class UserQuerySet(models.QuerySet["User"]):
    def visible_to(self, viewer: "Viewer", at: datetime) -> "UserQuerySet":
        """Members who are here; moderators also see those who are banned."""
        here = self.filter(deleted_at=None)
        if isinstance(viewer, User) and viewer.has_role(Role.MODERATOR):
            return here
        return here.filter(is_active=True)


class MemberManager(UserManager.from_queryset(UserQuerySet)):  # type: ignore[misc]
    """Django's `create_user` and `create_superuser`, and the words of `UserQuerySet`."""


class User(PublicIdModel, AbstractUser):
    """A member. Deleting one leaves a blanked tombstone (`deleted_at`), held to it by a CHECK."""

    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    email = models.EmailField(_("email address"), blank=True)
    look = LookField()  # unique: no name looks like another's (accounts.sign_in.names)
    is_simulated = models.BooleanField(default=False, editable=False)
    is_adult = models.BooleanField(_("I am 18 or older"), default=False)
    max_level = models.PositiveSmallIntegerField(
        _("show pictures up to"), choices=ContentLevel.choices, default=ContentLevel.GENERAL
    )
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects: ClassVar[MemberManager] = MemberManager()

    came_by: SessionBase | str | None = None  # for a request: the session, or "token"; see accounts.sign_in.access

    class Meta(AbstractUser.Meta):
        constraints = [
            # sign-in looks names up by `iexact`, which is UPPER(); this is its index as well
            models.UniqueConstraint(
                Upper("username"),
                name="user_username_any_case",
                violation_error_message=_("A user with that username already exists."),
            ),
            models.UniqueConstraint(fields=["look"], name="user_look_once"),
            models.CheckConstraint(
                name="user_tombstone_is_blank",
                condition=Q(deleted_at=None)
                | Q(email="", is_active=False, is_staff=False, is_superuser=False, username__startswith="deleted-"),
            ),
            models.CheckConstraint(
                name="user_mature_needs_stated_age",
                condition=Q(is_adult=True) | Q(max_level__lt=ContentLevel.MATURE),
            ),
        ]

    def clean(self) -> None:
        """A new name in the admin: not the look of another's."""
        super().clean()
        look = look_of(self.username)
        if User.objects.filter(look=look).exclude(pk=self.pk).exists():
            raise ValidationError({"username": _("This name looks like another member's. Choose another one.")})
        self.look = look

    def has_role(self, role: Role) -> bool:
        """Whether the member is in the group of that name; staff hold every role. One query a request."""
        return self.is_superuser or bool({role.value, Role.STAFF.value} & self._role_names())

    def _role_names(self) -> set[str]:
        cached: set[str] | None = self.__dict__.get("_roles")
        if cached is None:
            cached = self.__dict__["_roles"] = set(self.groups.values_list("name", flat=True))
        return cached


Viewer = User | AnonymousUser


def level_for(viewer: Viewer) -> int:
    """The highest content level this viewer may be shown; visitors see general, as does a locked site."""
    if settings.SAFE_MODE or not isinstance(viewer, User):
        return ContentLevel.GENERAL
    return viewer.max_level


class Purpose(models.TextChoices):
    """What a member may agree to; the default is refused."""

    TRAIN = "train", _("My pictures and answers may train image models")
    PUBLISH = "publish", _("My pictures and answers may appear in published datasets")
    BENCHMARK = "benchmark", _("My pictures and answers may be used in public benchmarks")


# The version of the texts below. A change of wording is a new version; old events keep theirs.
TEXT_VERSION = "2026-11"

# What the settings page says under each purpose.
EXPLAINED: dict[Purpose, Promise] = {
    Purpose.TRAIN: _(
        "Teams that train models may use your pictures, prompts and answers in datasets that stay with them. "
        "You can take this back at any time; datasets made afterwards leave you out."
    ),
    Purpose.PUBLISH: _(
        "Datasets that anybody can download may hold your pictures, prompts and answers, under a pseudonym. "
        "You can take this back at any time, but copies that people already have stay with them."
    ),
    Purpose.BENCHMARK: _(
        "Public comparisons of models may show your pictures and count your answers, under a pseudonym. "
        "You can take this back at any time; results published before then stay."
    ),
}


class ConsentQuerySet(models.QuerySet["ConsentEvent"]):
    def granted(self, purpose: Purpose, at: datetime | None = None) -> "models.QuerySet[ConsentEvent, int]":
        """Ids of the users whose latest event for a purpose (up to `at`) grants it; use as a subquery."""
        events = self.filter(purpose=purpose)
        if at is not None:
            events = events.filter(at__lte=at)
        latest = events.order_by("user_id", "-at", "-pk").distinct("user_id")
        return self.filter(pk__in=latest.values("pk"), granted=True).values_list("user_id", flat=True)

    def purposes_of(self, user: User) -> set[str]:
        """The purposes that a member's latest events grant."""
        latest = self.filter(user=user).order_by("purpose", "-at", "-pk").distinct("purpose")
        return {event.purpose for event in latest if event.granted}


class ConsentEvent(models.Model):
    """Append-only (a trigger holds it to that); the latest event of a purpose wins."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="consent_events")
    purpose = models.CharField(max_length=16, choices=Purpose.choices)
    text_version = models.CharField(max_length=16)
    granted = models.BooleanField()
    at = models.DateTimeField()

    objects = ConsentQuerySet.as_manager()

    class Meta:
        # settings page and consent at build time: the latest event of (user, purpose)
        indexes = [models.Index(fields=["user", "purpose", "-at", "-id"], name="consent_latest")]


class NotificationQuerySet(models.QuerySet["Notification"]):
    def unread(self) -> "NotificationQuerySet":
        return self.filter(read_at=None)


class Notification(models.Model):
    """Ids, never words: the page that shows it loads the target through the viewer's own filter."""

    recipient = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notifications")
    kind = models.CharField(max_length=32)
    actor = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="+")
    target_type = models.CharField(max_length=64)  # "feed.post"
    target_id = models.BigIntegerField()
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)

    objects = NotificationQuerySet.as_manager()

    class Meta:
        constraints = [
            # the same event notifies once: accounts.services.notify is idempotent
            models.UniqueConstraint(
                fields=["recipient", "kind", "actor", "target_type", "target_id"],
                name="notification_once",
                nulls_distinct=False,
            )
        ]
        indexes = [models.Index(fields=["recipient", "-created_at", "-id"], name="notification_newest")]


class WebhookEvent(models.TextChoices):
    """The events that a webhook can be sent."""

    IMAGE_READY = "image.ready", _("A picture of mine is ready")
    IMAGE_HELD = "image.held", _("A picture of mine is held for review")
    POST_PUBLISHED = "post.published", _("A post of mine was published")
    POST_LIKED = "post.liked", _("A post of mine was liked")
    POST_REMIXED = "post.remixed", _("A picture of mine was remixed")
    DECISION_MADE = "decision.made", _("Moderation decided about something of mine")
    RELEASE_PUBLISHED = "release.published", _("A dataset release of mine is published")
    CHALLENGE_FINISHED = "challenge.finished", _("A challenge that I entered is decided")


class Webhook(PublicIdModel):
    """A member's own address that receives events about their own things, signed with `secret`.

    It switches itself off (`is_active`) when an event could not be delivered in all its attempts.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="webhooks")
    url = models.URLField(_("address"), max_length=500)
    secret = models.CharField(max_length=64, editable=False)
    events: ArrayField[list[str], list[str]] = ArrayField(
        models.CharField(max_length=32, choices=WebhookEvent.choices), verbose_name=_("events")
    )
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)


class WebhookDeliveryQuerySet(models.QuerySet["WebhookDelivery"]):
    def due(self, at: datetime) -> "WebhookDeliveryQuerySet":
        return self.filter(delivered_at=None, failed_at=None, not_before__lte=at)


class WebhookDelivery(models.Model):
    """One event for one webhook: ids only; the outbox that the delivering task drains."""

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    event = models.CharField(max_length=32)
    target_type = models.CharField(max_length=64)
    target_public_id = models.CharField(max_length=12)
    created_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)  # every attempt was used
    last_status = models.PositiveSmallIntegerField(null=True)  # HTTP status; null when nobody answered

    objects = WebhookDeliveryQuerySet.as_manager()

    class Meta:
        indexes = [
            # the delivering task: what is due
            models.Index(fields=["not_before"], name="delivery_due", condition=Q(delivered_at=None, failed_at=None)),
            BrinIndex(fields=["created_at"], name="delivery_brin"),
        ]


class ApiToken(PublicIdModel, AbstractAuthToken):
    """A named API token; knox stores its digest only."""

    name = models.CharField(_("name"), max_length=60, blank=True)
    # A token that an older version makes while a site is updated may do everything, as it could there.
    scopes: ArrayField[list[str], list[str]] = ArrayField(
        models.CharField(max_length=16, choices=Scope.choices), default=every_scope, db_default=every_scope()
    )
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)  # to the minute

    def is_valid(self, at: datetime) -> bool:
        """Whether it has not run out."""
        return self.expiry is None or self.expiry > at
