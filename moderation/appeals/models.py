"""Appeals against decisions."""

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Role, User
from accounts.permissions import self_and_betters
from lib.ids import PublicIdModel
from moderation.decisions.models import Decision

WINDOW = timedelta(days=30)


class AppealQuerySet(models.QuerySet["Appeal"]):
    def answerable_by(self, moderator: User) -> "AppealQuerySet":
        """Appeals that a moderator may read and, if they did not decide, answer: neither their own, nor those of their
        betters; of escalated cases and of restrictions of their equals, staff only."""
        found = self.exclude(author__in=self_and_betters(moderator))
        if moderator.has_role(Role.STAFF):
            return found
        equals = User.groups.through.objects.filter(group__name=Role.MODERATOR).values("user")
        found = found.exclude(decision__case__is_escalated=True)
        return found.exclude(decision__action=Decision.Action.RESTRICT, author__in=equals)


class Appeal(PublicIdModel):
    """The author's word against a decision; another moderator answers it."""

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        GRANTED = "granted", _("Granted")
        DENIED = "denied", _("Denied")

    decision = models.OneToOneField(Decision, on_delete=models.PROTECT, related_name="appeal")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="appeals")
    text = models.TextField(max_length=4000)
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    answer = models.TextField(blank=True)
    answered_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)

    objects = AppealQuerySet.as_manager()
