"""What must not be seen: rules, hashes, cases, decisions and what they restrict."""

from datetime import datetime

from django.apps import apps
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import ExpressionWrapper, F, FloatField, Q, Value
from django.db.models.functions import Extract, Ln
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from pgvector.django import BitField, HammingDistance

from accounts.models import Role, User
from lib.content_levels import ContentLevel
from lib.ids import PublicIdModel
from moderation.policy import Reason
from moderation.pseudonyms import pseudonym


def kind_label(target_type: str) -> str:
    """What a target is called: “Image” for ``"generation.image"``; the type itself if it is no longer known."""
    try:
        return str(capfirst(apps.get_model(target_type)._meta.verbose_name))
    except (LookupError, ValueError):
        return target_type


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
    effect = models.CharField(max_length=8, choices=Effect.choices)
    level = models.PositiveSmallIntegerField(choices=ContentLevel.choices, default=ContentLevel.GENERAL)
    category = models.CharField(max_length=16, choices=Reason.choices, default=Reason.OTHER)
    reason = models.CharField(max_length=200, help_text=_("What the member reads"))
    created_at = models.DateTimeField(auto_now_add=True)
    retired_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = RuleQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint("slug", name="rule_one_active_per_slug", condition=Q(retired_at=None))]


class BlockedHashQuerySet(models.QuerySet["BlockedHash"]):
    def near(self, pdq: str, distance: int) -> "BlockedHashQuerySet":
        """Hashes in force within a Hamming distance (inclusive) of `pdq`, 256 characters of 0 and 1.

        Exact on purpose: an approximate index (HNSW) may miss a row, and a missed row is shown to everybody.
        PostgreSQL compares some ten million hashes a second.
        """
        return self.filter(lifted_at=None).annotate(apart=HammingDistance("pdq", pdq)).filter(apart__lte=distance)


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

    objects = BlockedHashQuerySet.as_manager()


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


class CaseQuerySet(models.QuerySet["Case"]):
    def unclosed(self) -> "CaseQuerySet":
        return self.exclude(state=Case.State.CLOSED)

    def claimable(self, moderator: User, at: datetime) -> "CaseQuerySet":
        """Nobody holds them (or no longer), they are not about the moderator's own things; escalated: staff only."""
        free = Q(state=Case.State.OPEN) | Q(state=Case.State.CLAIMED, claimed_until__lte=at)
        found = self.filter(free).exclude(author=moderator)
        return found if moderator.has_role(Role.STAFF) else found.filter(is_escalated=False)

    def held_by(self, moderator: User, at: datetime) -> "CaseQuerySet":
        return self.filter(state=Case.State.CLAIMED, claimed_by=moderator, claimed_until__gt=at)

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

    target_type = models.CharField(max_length=64)
    target_id = models.BigIntegerField()
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    severity = models.PositiveSmallIntegerField(default=1)
    reach = models.PositiveIntegerField(default=0)
    origin = models.CharField(max_length=16, choices=Origin.choices)
    is_escalated = models.BooleanField(default=False)  # for staff alone
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True)
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


class DecisionQuerySet(models.QuerySet["Decision"]):
    def about(self, member: User) -> "DecisionQuerySet":
        """What was decided about a member's own things; escalations are the moderators' own affair."""
        return self.filter(author_pseudonym=pseudonym(member.pk)).exclude(action=Decision.Action.ESCALATE)

    def logged(self) -> "DecisionQuerySet":
        """What the public log shows."""
        return self.exclude(action=Decision.Action.ESCALATE)


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
