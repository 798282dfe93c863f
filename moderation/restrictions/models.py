"""What a member may not do for a time, and the strikes that lead there."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from moderation.decisions.models import Decision


class RestrictionQuerySet(models.QuerySet["Restriction"]):
    def active(self, at: datetime) -> "RestrictionQuerySet":
        return self.filter(lifted_at=None, starts_at__lte=at).filter(Q(ends_at=None) | Q(ends_at__gt=at))

    def banned(self, at: datetime) -> "RestrictionQuerySet":
        """Bans in force; ``.values("user_id")`` are the members whom nobody sees. In SQL: `BANNED_SQL`."""
        return self.active(at).filter(kind=Restriction.Kind.BANNED)

    def turned(self, since: datetime, at: datetime) -> "RestrictionQuerySet":
        """Begun, lifted or run out after `since` and until `at`."""
        between = (since, at)
        return self.filter(Q(starts_at__range=between) | Q(lifted_at__range=between) | Q(ends_at__range=between))


class Duration(models.TextChoices):
    """How long a moderator restricts a member."""

    THREE_DAYS = "3d", _("3 days")
    WEEK = "7d", _("7 days")
    MONTH = "30d", _("30 days")
    PERMANENT = "permanent", _("For good")

    def end(self, at: datetime) -> datetime | None:
        """When it ends that begins `at`; None: never by itself."""
        return None if self is Duration.PERMANENT else at + timedelta(days=int(self.value.removesuffix("d")))


class Restriction(models.Model):
    """What a member may not do, or that nobody may see them, for a time; every `visible_to` respects it."""

    class Kind(models.TextChoices):
        NO_GENERATING = "no_generating", _("May not generate")
        MUTED = "muted", _("May not publish, comment or vote")
        BANNED = "banned", _("Banned")

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="restrictions")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    decision = models.ForeignKey(Decision, null=True, on_delete=models.PROTECT, related_name="restrictions")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    lifted_at = models.DateTimeField(null=True, blank=True)

    objects = RestrictionQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["user", "kind"], name="restriction_in_force", condition=Q(lifted_at=None))]


class StrikeQuerySet(models.QuerySet["Strike"]):
    def active(self, at: datetime) -> "StrikeQuerySet":
        return self.filter(voided_at=None, created_at__lte=at, expires_at__gt=at)


class Strike(models.Model):
    """Points with a 30-day expiry; voided, never deleted."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="strikes")
    decision = models.OneToOneField(Decision, on_delete=models.PROTECT, related_name="strike")
    points = models.PositiveSmallIntegerField(default=1)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    voided_at = models.DateTimeField(null=True, blank=True)

    objects = StrikeQuerySet.as_manager()
