"""The text rules, and what the checkers saw."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from lib.content_levels import ContentLevel
from moderation.policy import Reason


class RuleQuerySet(models.QuerySet["Rule"]):
    def active(self) -> "RuleQuerySet":
        return self.filter(retired_at=None)


class Rule(models.Model):
    """One versioned text rule. Editing a rule retires it and adds another, so old verdicts stay readable."""

    class Effect(models.TextChoices):
        BLOCK = "block", _("Refuse")
        ASK = "ask", _("Ask “generate anyway?”")
        LEVEL = "level", _("Raise the content level")

    slug = models.SlugField(max_length=64)
    pattern = models.TextField(help_text=_("A regular expression, matched against the normalised text"))
    second_pattern = models.TextField(
        blank=True, default="", help_text=_("A second, independent sign that must stand in the text too; may be empty")
    )
    clears = models.TextField(
        blank=True, default="", help_text=_("Phrases in which the words mean something harmless; may be empty")
    )
    eased_by = models.TextField(
        blank=True, default="", help_text=_("A context that explains the words anywhere in the text; may be empty")
    )
    must_match: ArrayField[list[str], list[str]] = ArrayField(
        models.CharField(max_length=300), default=list, blank=True
    )
    must_not_match: ArrayField[list[str], list[str]] = ArrayField(
        models.CharField(max_length=300), default=list, blank=True
    )
    effect = models.CharField(max_length=8, choices=Effect.choices)
    level = models.PositiveSmallIntegerField(choices=ContentLevel.choices, default=ContentLevel.GENERAL)
    category = models.CharField(max_length=16, choices=Reason.choices, default=Reason.OTHER)
    reason = models.CharField(max_length=200, help_text=_("What the member reads"))
    created_at = models.DateTimeField(auto_now_add=True)
    retired_at = models.DateTimeField(null=True, blank=True, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)
    retirement_proposed_by = models.CharField(max_length=32, blank=True, default="", editable=False)  # a pseudonym

    objects = RuleQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint("slug", name="rule_one_active_per_slug", condition=Q(retired_at=None))]


class RuleDecision(models.Model):
    """Append-only (a trigger holds it to that): who changed a rule, how and why."""

    class Action(models.TextChoices):
        ADD = "add", _("Added")
        REPLACE = "replace", _("Replaced")
        PROPOSE = "propose", _("Retirement proposed")
        RETIRE = "retire", _("Retired")

    rule = models.ForeignKey(Rule, on_delete=models.PROTECT, related_name="decisions")
    action = models.CharField(max_length=8, choices=Action.choices)
    actor_pseudonym = models.CharField(max_length=32)
    reason = models.CharField(max_length=300)
    decided_at = models.DateTimeField()


class Screening(models.Model):
    """What the checkers saw in one text or picture: scores and verdict, kept as evidence."""

    class Verdict(models.TextChoices):
        ALLOW = "allow", _("Allowed")
        ASK = "ask", _("Asked")
        HOLD = "hold", _("Held")
        REJECT = "reject", _("Refused")

    target_type = models.CharField(max_length=64)  # "generation.image"; a refused text has no target
    target_id = models.BigIntegerField(null=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    verdict = models.CharField(max_length=8, choices=Verdict.choices)
    level = models.PositiveSmallIntegerField(choices=ContentLevel.choices)
    reasons: ArrayField[list[str], list[str]] = ArrayField(models.CharField(max_length=64))  # closed set of slugs
    matched_text = models.TextField(blank=True)
    observations = models.JSONField()  # [{checker, version, label, score}]
    policy_version = models.CharField(max_length=40)
    created_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["target_type", "target_id", "-id"], name="screening_of_target"),
            BrinIndex(fields=["created_at"], name="screening_brin"),
        ]


class BenignMark(models.Model):
    """A moderator's word that what a rule matched in one text was harmless."""

    screening = models.ForeignKey(Screening, on_delete=models.PROTECT, related_name="benign_marks")
    slug = models.SlugField(max_length=64)  # of the rule
    actor_pseudonym = models.CharField(max_length=32)
    marked_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["screening", "slug"], name="benign_mark_once")]
        # the page of a rule counts its marks
        indexes = [models.Index(fields=["slug"], name="benign_mark_of_rule")]
