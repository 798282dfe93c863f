"""Cases and the reports that open them."""

from datetime import datetime, timedelta

from django.apps import apps
from django.conf import settings
from django.db import models
from django.db.models import Exists, ExpressionWrapper, F, FloatField, OuterRef, Q, Value
from django.db.models.functions import Extract, Ln
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from accounts.models import Role, User
from accounts.permissions import self_and_betters
from lib.ids import PublicIdModel

ALARM = timedelta(hours=6)


def kind_label(target_type: str) -> str:
    """What a target is called: “Image” for ``"generation.image"``; the type itself if it is no longer known."""
    try:
        return str(capfirst(apps.get_model(target_type)._meta.verbose_name))
    except (LookupError, ValueError):
        return target_type


class CaseQuerySet(models.QuerySet["Case"]):
    def unclosed(self) -> "CaseQuerySet":
        return self.exclude(state=Case.State.CLOSED)

    def open_to(self, moderator: User) -> "CaseQuerySet":
        """What a moderator may see and decide: nothing about themselves or their betters; escalated: staff only."""
        found = self.exclude(author__in=self_and_betters(moderator))
        return found if moderator.has_role(Role.STAFF) else found.filter(is_escalated=False)

    def claimable(self, moderator: User, at: datetime) -> "CaseQuerySet":
        """Nobody holds them, or no longer."""
        free = Q(state=Case.State.OPEN) | Q(state=Case.State.CLAIMED, claimed_until__lte=at)
        return self.open_to(moderator).filter(free).exclude(second_opinion_for=moderator)

    def held_by(self, moderator: User, at: datetime) -> "CaseQuerySet":
        mine = self.filter(state=Case.State.CLAIMED, claimed_by=moderator, claimed_until__gt=at)
        return mine.open_to(moderator)

    def with_picture(self) -> "CaseQuerySet":
        """With `has_picture`: whether there is one to look at."""
        pictured = self.model.objects.filter(pk=OuterRef("pk"), evidence__source__gt="")
        return self.annotate(has_picture=Exists(pictured))

    def alarming(self, at: datetime) -> "CaseQuerySet":
        """Unclosed cases whose legal deadline has passed, or passes within six hours."""
        return self.unclosed().filter(due_at__lte=at + ALARM)

    def pressing(self, at: datetime) -> "CaseQuerySet":
        """The most pressing first: those with a legal clock by it, then by severity × reach × age."""
        hours = Extract(Value(at) - F("opened_at"), "epoch") / 3600.0
        priority = F("severity") * (1.0 + Ln(1.0 + F("reach"))) * (1.0 + hours / 24.0)
        return self.annotate(priority=ExpressionWrapper(priority, FloatField())).order_by(
            F("due_at").asc(nulls_last=True), "-priority", "pk"
        )


class Case(PublicIdModel):
    """One open matter about one target; reports on the same target merge into it."""

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        CLAIMED = "claimed", _("Claimed")
        CLOSED = "closed", _("Closed")

    class Origin(models.TextChoices):
        SCREENING = "screening", _("held by a check")
        REPORT = "report", _("reported")
        RELATED = "related", _("made from something that was removed")
        STRIKES = "strikes", _("several removals")
        HASH = "hash", _("looks like something that was removed")
        NOTICE = "notice", _("a notice from outside")

    target_type = models.CharField(max_length=64)
    target_id = models.BigIntegerField()
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    severity = models.PositiveSmallIntegerField(default=1)
    reach = models.PositiveIntegerField(default=0)
    origin = models.CharField(max_length=16, choices=Origin.choices)
    is_escalated = models.BooleanField(default=False)  # for staff alone
    second_opinion_for = models.ForeignKey(  # who asked another moderator to decide it
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True)
    alarmed_at = models.DateTimeField(null=True)  # when moderators were last mailed about the deadline
    claimed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    claimed_until = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)

    objects = CaseQuerySet.as_manager()

    @property
    def kind_label(self) -> str:
        return kind_label(self.target_type)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["target_type", "target_id"], name="case_one_open_per_target", condition=~Q(state="closed")
            )
        ]
        # the queue: open cases, the most pressing first
        indexes = [models.Index(fields=["-severity", "opened_at"], name="case_queue", condition=~Q(state="closed"))]


class CaseNote(models.Model):
    """What one moderator leaves for the others; members never read it."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="notes")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    text = models.TextField(max_length=2000)
    created_at = models.DateTimeField()


class Report(models.Model):
    """One member's word on a target; the case it belongs to is where it is dealt with."""

    class Reason(models.TextChoices):
        SEXUAL = "sexual", _("Sexual content that is not marked")
        INTIMATE = "intimate", _("An intimate picture of a real person")
        MINOR = "minor", _("Sexualises a minor")
        VIOLENCE = "violence", _("Graphic violence")
        HATE = "hate", _("Hate or harassment")
        COPYRIGHT = "copyright", _("Breaks somebody's rights")
        SPAM = "spam", _("Spam")
        OTHER = "other", _("Something else")

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="reports")
    reporter = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    reason = models.CharField(max_length=16, choices=Reason.choices)
    note = models.TextField(blank=True, max_length=2000)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "reporter"], name="report_once_per_case")]
