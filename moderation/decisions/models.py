"""Decisions: an append-only ledger."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from lib.content_levels import ContentLevel
from lib.ids import PublicIdModel
from moderation.cases.models import Case
from moderation.pseudonyms import pseudonym

INTERNAL = ("escalate", "second")


class DecisionQuerySet(models.QuerySet["Decision"]):
    def about(self, member: User) -> "DecisionQuerySet":
        """What was decided about a member's own things."""
        return self.logged().filter(author_pseudonym=pseudonym(member.pk))

    def logged(self) -> "DecisionQuerySet":
        """What the public log shows; who hands a case to whom is the moderators' own affair."""
        return self.exclude(action__in=INTERNAL)


class Decision(PublicIdModel):
    """Append-only (a trigger holds it to that): what was decided, by which policy, on what grounds."""

    class Action(models.TextChoices):
        APPROVE = "approve", _("Approve")
        LEVEL = "level", _("Change the content level")
        HOLD = "hold", _("Hold")
        REMOVE = "remove", _("Remove")
        ESCALATE = "escalate", _("Escalate")
        RESTRICT = "restrict", _("Restrict the member")
        LIFT = "lift", _("Lift a restriction")
        SECOND = "second", _("Ask for a second opinion")

    case = models.ForeignKey(Case, null=True, on_delete=models.PROTECT, related_name="decisions")
    target_type = models.CharField(max_length=64)
    target_id = models.BigIntegerField()
    action = models.CharField(max_length=8, choices=Action.choices)
    level = models.PositiveSmallIntegerField(choices=ContentLevel.choices, null=True)
    reason = models.CharField(max_length=64)  # a slug of the policy
    note = models.TextField(blank=True)
    actor_pseudonym = models.CharField(max_length=32)  # outlives the account; "screening" for the machine
    author_pseudonym = models.CharField(max_length=32, blank=True)
    scores = models.JSONField(default=dict)
    policy_version = models.CharField(max_length=40)
    reverses = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="reversed_by")
    decided_at = models.DateTimeField()

    objects = DecisionQuerySet.as_manager()

    def get_absolute_url(self) -> str:
        """The statement of reasons, which its author alone can open."""
        return reverse("moderation:decision", args=[self.public_id])

    class Meta:
        indexes = [
            models.Index(fields=["target_type", "target_id", "-id"], name="decision_of_target"),
            # an author's own page
            models.Index(fields=["author_pseudonym", "-id"], name="decision_of_author"),
            BrinIndex(fields=["decided_at"], name="decision_brin"),
        ]
