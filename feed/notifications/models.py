"""Which notifications a member wants, where, and how often by mail."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class NotificationSettings(models.Model):
    """How often mail comes. Without a row: everything on the site, nothing by mail."""

    class Digest(models.TextChoices):
        NEVER = "never", _("Never")
        DAILY = "daily", _("Once a day")
        WEEKLY = "weekly", _("Once a week")

    member = models.OneToOneField(
        settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE, related_name="notification_settings"
    )
    digest = models.CharField(max_length=6, choices=Digest.choices, default=Digest.NEVER)
    digest_at = models.DateTimeField(null=True)  # when the last one was sent, or asked for
    digest_upto = models.BigIntegerField(default=0)  # the newest notification that was mailed

    class Meta:
        db_table = "feed_noticesettings"
        indexes = [
            # digests that are due
            models.Index(
                fields=["digest", "digest_at"], name="noticesettings_due", condition=models.Q(digest_at__isnull=False)
            )
        ]


class NotificationChoice(models.Model):
    """Where a member wants one kind of notification; without a row, everywhere."""

    member = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notification_choices")
    kind = models.CharField(max_length=32)
    on_site = models.BooleanField(default=True)
    by_mail = models.BooleanField(default=True)

    class Meta:
        db_table = "feed_noticechoice"
        constraints = [models.UniqueConstraint(fields=["member", "kind"], name="noticechoice_once")]
