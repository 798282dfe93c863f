"""What must not be seen: rules, hashes, cases, decisions and what they restrict."""

from datetime import datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from pgvector.django import BitField, HnswIndex

from accounts.ids import PublicIdModel
from accounts.levels import ContentLevel


class Rule(models.Model):
    """One versioned text rule. Editing a rule retires it and adds another, so old verdicts stay readable."""

    class Effect(models.TextChoices):
        BLOCK = "block", _("Refuse")
        ASK = "ask", _("Ask “generate anyway?”")
        LEVEL = "level", _("Raise the content level")

    slug = models.SlugField(max_length=64)
    pattern = models.TextField(help_text=_("A regular expression, matched against the normalised text"))
    effect = models.CharField(max_length=8, choices=Effect.choices)
    level = models.PositiveSmallIntegerField(choices=ContentLevel.choices, default=ContentLevel.GENERAL)
    reason = models.CharField(max_length=200, help_text=_("What the member reads"))
    created_at = models.DateTimeField(auto_now_add=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint("slug", name="rule_one_active_per_slug", condition=Q(retired_at=None))
        ]


class BlockedHash(models.Model):
    """A PDQ hash (256 bits) of a picture that was removed, or that the operator brought."""

    class Source(models.TextChoices):
        OPERATOR = "operator", _("Operator's list")
        DECISION = "decision", _("Removed picture")

    pdq = BitField(length=256)
    source = models.CharField(max_length=8, choices=Source.choices)
    decision = models.ForeignKey("moderation.Decision", null=True, blank=True, on_delete=models.PROTECT)
    note = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    lifted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        # screening: the nearest hash by Hamming distance
        indexes = [
            HnswIndex(fields=["pdq"], name="blockedhash_near", opclasses=["bit_hamming_ops"], m=16, ef_construction=64)
        ]


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


class Case(PublicIdModel):
    """One open matter about one target; reports on the same target merge into it."""

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        CLAIMED = "claimed", _("Claimed")
        CLOSED = "closed", _("Closed")

    target_type = models.CharField(max_length=64)
    target_id = models.BigIntegerField()
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    severity = models.PositiveSmallIntegerField(default=1)
    reach = models.PositiveIntegerField(default=0)
    origin = models.CharField(max_length=16)  # "screening", "report", "related"
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True)
    claimed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    claimed_until = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["target_type", "target_id"], name="case_one_open_per_target", condition=~Q(state="closed")
            )
        ]
        # the queue: open cases, the most pressing first
        indexes = [models.Index(fields=["-severity", "opened_at"], name="case_queue", condition=~Q(state="closed"))]


class Report(models.Model):
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


class Decision(PublicIdModel):
    """Append-only (a trigger holds it to that): what was decided, by which policy, on what grounds."""

    class Action(models.TextChoices):
        APPROVE = "approve", _("Approve")
        LEVEL = "level", _("Change the content level")
        HOLD = "hold", _("Hold")
        REMOVE = "remove", _("Remove")
        ESCALATE = "escalate", _("Escalate")
        RESTRICT = "restrict", _("Restrict the member")

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

    class Meta:
        indexes = [
            models.Index(fields=["target_type", "target_id", "-id"], name="decision_of_target"),
            BrinIndex(fields=["decided_at"], name="decision_brin"),
        ]


class RestrictionQuerySet(models.QuerySet["Restriction"]):
    def active(self, at: datetime) -> "RestrictionQuerySet":
        return self.filter(lifted_at=None, starts_at__lte=at).filter(Q(ends_at=None) | Q(ends_at__gt=at))


class Restriction(models.Model):
    """What a member may not do, or that nobody may see them, for a time; every `visible_to` respects it."""

    class Kind(models.TextChoices):
        NO_GENERATING = "no_generating", _("May not generate")
        MUTED = "muted", _("May not publish, comment or vote")
        BANNED = "banned", _("Banned")

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="restrictions")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    decision = models.ForeignKey(Decision, null=True, on_delete=models.PROTECT, related_name="+")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    lifted_at = models.DateTimeField(null=True, blank=True)

    objects = RestrictionQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["user", "kind"], name="restriction_in_force", condition=Q(lifted_at=None))]


class Strike(models.Model):
    """Points with a 30-day expiry; voided, never deleted."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="strikes")
    decision = models.OneToOneField(Decision, on_delete=models.PROTECT, related_name="strike")
    points = models.PositiveSmallIntegerField(default=1)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    voided_at = models.DateTimeField(null=True, blank=True)


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
