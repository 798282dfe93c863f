"""Notices of people without an account: an intimate picture of themselves, or their copyright."""

import secrets
from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from moderation.cases.models import Case

ANSWER_WITHIN = timedelta(hours=48)


def new_token() -> str:
    return secrets.token_urlsafe(24)


class NoticeQuerySet(models.QuerySet["Notice"]):
    def forgettable(self, before: datetime) -> "NoticeQuerySet":
        """Of cases closed before a time, with the sender's name, address or words still in them."""
        return self.filter(case__closed_at__lt=before).exclude(name="", email="", explanation="")


class Notice(models.Model):
    """One notice; the link with its token is the sender's receipt."""

    class Kind(models.TextChoices):
        INTIMATE = "intimate", _("An intimate picture of me, real or made up, that I did not agree to")
        COPYRIGHT = "copyright", _("My own work, used without my permission")

    token = models.CharField(max_length=32, unique=True, default=new_token, editable=False)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    url = models.CharField(max_length=500)
    name = models.CharField(max_length=120, blank=True)
    email = models.EmailField(blank=True)
    explanation = models.TextField(max_length=4000, blank=True)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()

    objects = NoticeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="notice_kind", condition=Q(kind__in=["intimate", "copyright"])),
        ]
