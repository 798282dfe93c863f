"""What people tell us: the ledger of asks, their answers, and the datasets that leave."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.ids import PublicIdModel
from generation.models import Image


class Question(models.Model):
    """One wording of one question; a new wording is a new version, so old answers keep theirs."""

    slug = models.SlugField(max_length=32)  # lighting, subject, background, colour, prompt-match, artefacts, overall
    version = models.PositiveSmallIntegerField(default=1)
    text = models.CharField(max_length=200)
    labels: ArrayField[list[str], list[str]] = ArrayField(models.CharField(max_length=40), size=5)  # worst to best
    is_active = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["slug", "version"], name="question_version_once"),
            models.UniqueConstraint(fields=["slug"], name="question_one_active", condition=Q(is_active=True)),
        ]


class Policy(models.Model):
    """A versioned sampling policy: the numbers that `sampling.decide` takes. Never edited, only followed."""

    version = models.PositiveIntegerField(unique=True)
    parameters = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)
    is_active = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["is_active"], name="policy_one_active", condition=Q(is_active=True))
        ]


class DrawTally(models.Model):
    """Draws that asked nothing, counted by stratum instead of stored singly."""

    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="+")
    day = models.DateField()
    surface = models.CharField(max_length=8)
    stratum = models.CharField(max_length=64)
    p_ask = models.FloatField()
    draws = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["policy", "day", "surface", "stratum", "p_ask"], name="drawtally_once")
        ]


class Surface(models.TextChoices):
    RESULT = "result", _("Result page, the maker")
    POST = "post", _("Post page, others")
    COMPARE = "compare", _("Compare page, anyone")


class AskOutcome(models.TextChoices):
    OPEN = "open", _("Open")
    ANSWERED = "answered", _("Answered")
    SKIPPED = "skipped", _("Skipped")
    DISMISSED = "dismissed", _("Dismissed")
    EXPIRED = "expired", _("Expired")
    NOT_RENDERED = "not_rendered", _("Never shown")


class Ask(PublicIdModel):
    """The ledger: one row per question put to somebody, written before it is shown, answered or not.

    The subject is one image, or a pair with the lower id first. The product of the `p_` columns is the
    propensity, never 0.
    """

    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="asks")
    surface = models.CharField(max_length=8, choices=Surface.choices)
    stratum = models.CharField(max_length=64)
    rater = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="asks")
    image = models.ForeignKey(Image, null=True, on_delete=models.CASCADE, related_name="asks")
    image_low = models.ForeignKey(Image, null=True, on_delete=models.CASCADE, related_name="+")
    image_high = models.ForeignKey(Image, null=True, on_delete=models.CASCADE, related_name="+")
    question = models.ForeignKey(Question, on_delete=models.PROTECT, related_name="asks")
    strategy = models.CharField(max_length=16, blank=True)
    p_ask = models.FloatField()
    p_question = models.FloatField()
    p_strategy = models.FloatField(default=1.0)
    p_pair = models.FloatField(default=1.0)
    p_side = models.FloatField(default=1.0)
    repeat_no = models.PositiveSmallIntegerField(default=0)
    is_gold = models.BooleanField(default=False)
    is_scale_reversed = models.BooleanField(default=False)
    is_side_swapped = models.BooleanField(default=False)  # the higher id stands on the left
    rater_is_author = models.BooleanField()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    shown_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    dwell_ms = models.PositiveIntegerField(null=True)
    outcome = models.CharField(max_length=12, choices=AskOutcome.choices, default=AskOutcome.OPEN)
    propensity: models.GeneratedField = models.GeneratedField(
        expression=F("p_ask") * F("p_question") * F("p_strategy") * F("p_pair") * F("p_side"),
        output_field=models.FloatField(),
        db_persist=True,
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="ask_subject_is_image_or_pair",
                condition=Q(image__isnull=False, image_low=None, image_high=None)
                | Q(image=None, image_low__isnull=False, image_high__gt=F("image_low")),
            ),
            models.CheckConstraint(
                name="ask_propensity_is_positive",
                condition=Q(p_ask__gt=0, p_question__gt=0, p_strategy__gt=0, p_pair__gt=0, p_side__gt=0),
            ),
        ]
        indexes = [
            # limits and back-off of a member: the asks of a rolling day, newest first
            models.Index(fields=["rater", "-created_at", "-id"], name="ask_of_rater"),
            models.Index(fields=["image"], name="ask_of_image", condition=Q(image__isnull=False)),
            models.Index(fields=["image_low", "image_high"], name="ask_of_pair", condition=Q(image_low__isnull=False)),
            # the expiring task
            models.Index(fields=["expires_at"], name="ask_open", condition=Q(outcome="open")),
            BrinIndex(fields=["created_at"], name="ask_brin"),
        ]


class Rating(models.Model):
    """The answer to an aspect question: 1 (worst) to 5 (best), or null for “can't tell”."""

    ask = models.OneToOneField(Ask, on_delete=models.CASCADE, related_name="rating")
    rater = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="ratings")
    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="ratings")
    question = models.ForeignKey(Question, on_delete=models.PROTECT, related_name="ratings")
    repeat_no = models.PositiveSmallIntegerField(default=0)
    value = models.PositiveSmallIntegerField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["image", "question", "rater", "repeat_no"], name="rating_once"),
            models.CheckConstraint(name="rating_on_scale", condition=Q(value=None) | Q(value__range=(1, 5))),
        ]


class Comparison(models.Model):
    """The answer about a pair, as it was seen; the ask says which picture stood where."""

    class Outcome(models.TextChoices):
        LEFT = "left", _("Left")
        RIGHT = "right", _("Right")
        TIE = "tie", _("Tie")
        BOTH_BAD = "both_bad", _("Both bad")

    ask = models.OneToOneField(Ask, on_delete=models.CASCADE, related_name="comparison")
    rater = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="comparisons")
    image_low = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="+")
    image_high = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="+")
    repeat_no = models.PositiveSmallIntegerField(default=0)
    outcome = models.CharField(max_length=8, choices=Outcome.choices)
    preferred = models.ForeignKey(Image, null=True, on_delete=models.CASCADE, related_name="+")  # null: tie, both bad
    quality_flags: ArrayField[list[str], list[str]] = ArrayField(models.CharField(max_length=24), default=list)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["image_low", "image_high", "rater", "repeat_no"], name="comparison_once"),
            models.CheckConstraint(name="comparison_low_first", condition=Q(image_high__gt=F("image_low"))),
        ]


class ReleaseQuerySet(models.QuerySet["Release"]):
    def unfinished(self) -> "ReleaseQuerySet":
        return self.filter(state__in=[Release.State.PLANNED, Release.State.BUILDING])


class Release(PublicIdModel):
    """A dataset release: planned (items frozen), then built shard by shard by any number of workers."""

    class State(models.TextChoices):
        PLANNED = "planned", _("Planned")
        BUILDING = "building", _("Building")
        PUBLISHED = "published", _("Published")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    name = models.CharField(max_length=120)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    kinds: ArrayField[list[str], list[str]] = ArrayField(models.CharField(max_length=16))
    filter = models.JSONField(default=dict)
    destination = models.CharField(max_length=500, blank=True)  # a folder; empty: the releases store
    state = models.CharField(max_length=10, choices=State.choices, default=State.PLANNED)
    failure = models.CharField(max_length=500, blank=True)
    manifest = models.JSONField(default=dict)
    as_of = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)
    published_at = models.DateTimeField(null=True)
    parent = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="point_releases")

    objects = ReleaseQuerySet.as_manager()


class ReleaseShard(models.Model):
    """One file of a release; claimed and finished by conditional UPDATEs, so any worker builds any shard."""

    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="shards")
    kind = models.CharField(max_length=16)
    split = models.CharField(max_length=24)
    index = models.PositiveIntegerField()
    of = models.PositiveIntegerField()
    rows = models.PositiveIntegerField()
    size = models.PositiveBigIntegerField(null=True)
    sha256 = models.CharField(max_length=64, blank=True)
    claimed_until = models.DateTimeField(null=True)
    built_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["release", "kind", "split", "index"], name="releaseshard_once")]


class ReleaseItem(models.Model):
    """One planned row, with copies of the values it will carry."""

    shard = models.ForeignKey(ReleaseShard, on_delete=models.CASCADE, related_name="items")
    position = models.PositiveIntegerField()
    row_id = models.BigIntegerField()
    values = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shard", "position"], name="releaseitem_position")]
        indexes = [models.Index(fields=["row_id"], name="releaseitem_row")]
