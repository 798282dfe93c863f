"""Quality flags on answers, each rater's standing, and appeals. Flags select answers at export; they delete none."""

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from lib.ids import PublicIdModel
from ratings.asking.models import Ask, RatingQuerySet

RULES_VERSION = 2  # of ratings.quality.rules; flags of other versions are kept as history


class Flag(models.TextChoices):
    """Why an analysis may leave an answer out."""

    TOO_FAST = "too_fast", _("Faster than the question can be read")
    STRAIGHT_LINE = "straight_line", _("One of many in a row at the same position on the screen")
    FAILED_GOLD = "failed_gold", _("A damaged picture was preferred in a check")
    CONTRADICTS = "repeat_contradicts", _("Too many pairs were answered the other way round when they came again")
    OVER_CAP = "over_daily_cap", _("More answers in a day than anyone can give carefully")
    LIMITED = "account_limited", _("The account was restricted soon afterwards")


class QualityFlagQuerySet(models.QuerySet["QualityFlag"]):
    def in_force(self) -> "QualityFlagQuerySet":
        """Raised by the current rules and not lifted."""
        return self.filter(version=RULES_VERSION, lifted_at=None)


class QualityFlag(models.Model):
    """One reason against one answer, by one version of the rules. Lifted when it no longer holds, never deleted."""

    version = models.PositiveSmallIntegerField()
    ask = models.ForeignKey(Ask, on_delete=models.CASCADE, related_name="flags")
    flag = models.CharField(max_length=24, choices=Flag.choices)
    raised_at = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True)

    objects = QualityFlagQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["ask", "version", "flag"], name="qualityflag_once")]


def unflagged_ratings(ratings: RatingQuerySet) -> RatingQuerySet:
    """Without those that the current quality rules flag."""
    return ratings.exclude(Exists(QualityFlag.objects.in_force().filter(ask=OuterRef("ask"))))


class RaterStandingQuerySet(models.QuerySet["RaterStanding"]):
    def current(self) -> "RaterStandingQuerySet":
        return self.filter(version=RULES_VERSION)

    def most_flagged(self) -> "RaterStandingQuerySet":
        return self.order_by("-flagged", "-answers", "pk")


class RaterStanding(models.Model):
    """A summary of a member's recent answers by one version of the rules, derived from the flags."""

    rater = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    version = models.PositiveSmallIntegerField()
    evaluated_at = models.DateTimeField(db_column="judged_at")
    answers = models.PositiveIntegerField()
    flagged = models.PositiveIntegerField()
    gold_checks = models.PositiveIntegerField(db_column="gold_judged")
    gold_failed = models.PositiveIntegerField()
    repeats = models.PositiveIntegerField()
    contradicted = models.PositiveIntegerField()
    median_dwell_ms = models.PositiveIntegerField(null=True)

    objects = RaterStandingQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["rater", "version"], name="raterstanding_once")]
        # the raters' page, the most flagged first
        indexes = [models.Index(fields=["version", "-flagged", "-answers", "id"], name="raterstanding_flagged")]


class QualityAppeal(PublicIdModel):
    """A member's appeal against the flags on their answers. If granted, answers given before it count again."""

    class State(models.TextChoices):
        OPEN = "open", _("Waiting for the team")
        GRANTED = "granted", _("Granted")
        DENIED = "denied", _("Denied")

    rater = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    text = models.TextField(max_length=2000)
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    answer = models.TextField(blank=True, max_length=2000)
    answered_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["rater"], name="qualityappeal_one_open", condition=Q(state="open"))
        ]
        indexes = [models.Index(fields=["rater", "-created_at"], name="qualityappeal_of_rater")]

    def get_absolute_url(self) -> str:
        """The page where its author reads the answer."""
        return reverse("ratings:standing")
