"""The policies that draw questions, and the ledger of asks with its answers; questions are in `questions`."""

from collections.abc import Iterable
from datetime import date, datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import connection, models
from django.db.models import Case, Exists, F, OuterRef, Q, Value, When
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from generation.models import Image
from lib.ids import PublicIdModel
from ratings.asking.questions.models import Question, QuestionTranslation, Wording

__all__ = [
    "Ask",
    "AskOutcome",
    "AskQuerySet",
    "Comparison",
    "ComparisonQuerySet",
    "DrawCount",
    "PairAnswer",
    "Policy",
    "Question",
    "QuestionTranslation",
    "Rating",
    "RatingQuerySet",
    "Surface",
    "Wording",
]


class PolicyQuerySet(models.QuerySet["Policy"]):
    def current(self) -> "Policy":
        """The policy that draws now: the version that the settings name, else the active one."""
        if settings.ASK_POLICY_VERSION:
            return self.get(version=settings.ASK_POLICY_VERSION)
        return self.get(is_active=True)

    def unused(self) -> "PolicyQuerySet":
        """Drafts: never put in force, and nothing was drawn by them."""
        drawn = Exists(Ask.objects.filter(policy=OuterRef("pk")))
        counted = Exists(DrawCount.objects.filter(policy=OuterRef("pk")))
        return self.filter(is_active=False, activated_at=None).exclude(drawn).exclude(counted)


class Policy(models.Model):
    """A versioned sampling policy: the numbers that `sampling` takes. Once something was drawn by it, it stays as
    it is (a trigger holds it to that); other numbers are another version."""

    version = models.PositiveIntegerField(unique=True)
    parameters = models.JSONField()
    note = models.CharField(max_length=200, blank=True)  # why it was made
    created_at = models.DateTimeField(auto_now_add=True)
    activated_at = models.DateTimeField(null=True)  # first put in force
    is_active = models.BooleanField(default=False)

    objects = PolicyQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["is_active"], name="policy_one_active", condition=Q(is_active=True))
        ]


class DrawCountQuerySet(models.QuerySet["DrawCount"]):
    def count_draw(self, policy: "Policy", day: date, surface: str, stratum: str, p_ask: float, limit: str) -> None:
        """Counts one more draw that asked nothing, in one statement."""
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO ratings_drawtally (policy_id, day, surface, stratum, p_ask, reason, draws)"
                " VALUES (%s, %s, %s, %s, %s, %s, 1)"
                " ON CONFLICT (policy_id, day, surface, stratum, p_ask, reason)"
                " DO UPDATE SET draws = ratings_drawtally.draws + 1",
                [policy.pk, day, surface, stratum, p_ask, limit],
            )


class DrawCount(models.Model):
    """Draws that asked nothing, counted by stratum instead of stored one by one."""

    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="+")
    day = models.DateField()
    surface = models.CharField(max_length=8)
    stratum = models.CharField(max_length=64)
    p_ask = models.FloatField()
    reason = models.CharField(max_length=8, blank=True)  # the limit that made p_ask 0; empty: chance
    draws = models.PositiveBigIntegerField(default=0)

    objects = DrawCountQuerySet.as_manager()

    class Meta:
        db_table = "ratings_drawtally"
        constraints = [
            models.UniqueConstraint(
                fields=["policy", "day", "surface", "stratum", "p_ask", "reason"], name="drawtally_once"
            )
        ]


class Surface(models.TextChoices):
    RESULT = "result", _("Result page (author)")
    POST = "post", _("Post page (others)")
    COMPARE = "compare", _("Compare page")
    ASPECT = "aspect", _("Compare page, by aspect")
    MARKS = "marks", _("Compare page, marks in a picture")
    RANKING = "ranking", _("Compare page, up to four in order")
    CAMPAIGN = "campaign", _("A researcher's campaign")


class AskOutcome(models.TextChoices):
    OPEN = "open", _("Open")
    ANSWERED = "answered", _("Answered")
    SKIPPED = "skipped", _("Skipped")
    DISMISSED = "dismissed", _("Dismissed")
    EXPIRED = "expired", _("Expired")
    NOT_RENDERED = "not_rendered", _("Never shown")


class AskQuerySet(models.QuerySet["Ask"]):
    def open(self, at: datetime) -> "AskQuerySet":
        """Still waiting for an answer, and not too old for one."""
        return self.filter(outcome=AskOutcome.OPEN, expires_at__gt=at)

    def about_one(self) -> "AskQuerySet":
        """Questions about one picture: those of the result and post pages."""
        return self.filter(image__isnull=False, surface__in=[Surface.RESULT, Surface.POST])

    def about_pair(self) -> "AskQuerySet":
        """Which of two pictures is better; not those about one aspect."""
        return self.filter(image_low__isnull=False, surface=Surface.COMPARE)

    def showing_pair(self) -> "AskQuerySet":
        """Asks that show two pictures side by side, whatever the question is."""
        return self.filter(image_low__isnull=False)

    def answerable(self, pictures: "models.QuerySet[Image]", at: datetime) -> "AskQuerySet":
        """Open asks whose every picture is among `pictures`."""
        shown = pictures.values("pk")
        return self.open(at).filter(Q(image__in=shown) | Q(image_low__in=shown, image_high__in=shown))

    def about_images(self, images: Iterable[int]) -> "AskQuerySet":
        ids = list(images)
        ranked = self.model.objects.filter(ranked__image__in=ids).values("pk")
        return self.filter(Q(image__in=ids) | Q(image_low__in=ids) | Q(image_high__in=ids) | Q(pk__in=ranked))

    def close_unanswered(self, at: datetime) -> int:
        """Closes those still open, as expired or as never shown; returns how many."""
        seen = Case(
            When(shown_at=None, then=Value(AskOutcome.NOT_RENDERED.value)), default=Value(AskOutcome.EXPIRED.value)
        )
        return self.filter(outcome=AskOutcome.OPEN).update(outcome=seen, closed_at=at)


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
    is_gold = models.BooleanField(default=False)  # a hidden check: one side is shown spoiled
    is_high_spoiled = models.BooleanField(null=True)  # of a gold pair: which side
    language = models.CharField(max_length=8, default="en")  # of the wording that was shown
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

    objects = AskQuerySet.as_manager()

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
            models.CheckConstraint(
                name="ask_gold_has_a_spoiled_side",
                condition=Q(is_gold=False, is_high_spoiled=None) | Q(is_gold=True, is_high_spoiled__isnull=False),
            ),
        ]
        indexes = [
            # limits and back-off of a member: their latest asks about one picture
            models.Index(fields=["rater", "-created_at", "-id"], name="ask_of_rater", condition=Q(image__isnull=False)),
            # the pair that a member left open on the Compare page
            models.Index(fields=["rater"], name="ask_open_pair", condition=Q(outcome="open", image_low__isnull=False)),
            models.Index(fields=["image"], name="ask_of_image", condition=Q(image__isnull=False)),
            models.Index(fields=["image_low", "image_high"], name="ask_of_pair", condition=Q(image_low__isnull=False)),
            # the expiring task
            models.Index(fields=["expires_at"], name="ask_open", condition=Q(outcome="open")),
            BrinIndex(fields=["created_at"], name="ask_brin"),
        ]

    @property
    def is_pair(self) -> bool:
        return self.image_low_id is not None

    @property
    def subject(self) -> list[int]:
        """Ids of the pictures asked about: one, or a pair with the lower first."""
        return [pk for pk in (self.image_id, self.image_low_id, self.image_high_id) if pk is not None]

    @property
    def server_ms(self) -> int | None:
        """Milliseconds from drawing to closing by the server's clock: nobody can have looked longer."""
        return None if self.closed_at is None else round((self.closed_at - self.created_at).total_seconds() * 1000)

    @cached_property
    def wording(self) -> Wording:
        """The question as it is put to its rater."""
        return self.question.wording(self.language)

    @property
    def options(self) -> list[tuple[int, str]]:
        """(value, label) in the order shown; 5 is always the best, wherever it stands."""
        steps = list(enumerate(self.wording.labels, start=1))
        return steps[::-1] if self.is_scale_reversed else steps

    @property
    def spoiled(self) -> int | None:
        """Id of the picture that a gold pair shows spoiled."""
        return self.image_high_id if self.is_high_spoiled else self.image_low_id if self.is_gold else None

    @property
    def verdict(self) -> "PairAnswer":
        """The answer about a pair, overall or by aspect. Raises ObjectDoesNotExist where there is none."""
        return self.aspect_comparison if self.is_about_aspect else self.comparison

    @property
    def is_about_aspect(self) -> bool:
        """Whether a pair is compared by one aspect."""
        if self.surface == Surface.CAMPAIGN:
            return self.is_pair and self.question.is_by_aspect
        return self.surface == Surface.ASPECT

    @property
    def left(self) -> Image | None:
        """The picture on the left of a pair."""
        return self.image_high if self.is_side_swapped else self.image_low

    @property
    def right(self) -> Image | None:
        return self.image_low if self.is_side_swapped else self.image_high


class RatingQuerySet(models.QuerySet["Rating"]):
    def by_others(self) -> "RatingQuerySet":
        """Without those of a picture's own author, and without those of campaigns, which have figures of their own."""
        return self.exclude(rater=F("image__author")).exclude(ask__surface=Surface.CAMPAIGN)

    def scored(self) -> "RatingQuerySet":
        """Without “can't tell”, and each rater's first answer only."""
        return self.filter(value__isnull=False, repeat_no=0)


class Rating(models.Model):
    """The answer to an aspect question: 1 (worst) to 5 (best), or null for “can't tell”."""

    ask = models.OneToOneField(Ask, on_delete=models.CASCADE, related_name="rating")
    rater = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="ratings")
    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="ratings")
    question = models.ForeignKey(Question, on_delete=models.PROTECT, related_name="ratings")
    repeat_no = models.PositiveSmallIntegerField(default=0)
    value = models.PositiveSmallIntegerField(null=True)
    created_at = models.DateTimeField()

    objects = RatingQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["image", "question", "rater", "repeat_no"], name="rating_once"),
            models.CheckConstraint(name="rating_on_scale", condition=Q(value=None) | Q(value__range=(1, 5))),
        ]
        indexes = [BrinIndex(fields=["created_at"], name="rating_brin")]  # what was rated since the last refresh


class ComparisonQuerySet(models.QuerySet["Comparison"]):
    def votes(self) -> "ComparisonQuerySet":
        """Each rater's first answer about a pair: no repeats, no gold pairs, none of a campaign."""
        return self.filter(repeat_no=0, ask__is_gold=False).exclude(ask__surface=Surface.CAMPAIGN)

    def unflagged(self) -> "ComparisonQuerySet":
        """Without those that the present quality rules doubt."""
        return self.filter(quality_flags=[])


class PairAnswer(models.Model):
    """The answer about a pair, as it was seen; the ask says which picture stood where."""

    class Outcome(models.TextChoices):
        LEFT = "left", _("Left")
        RIGHT = "right", _("Right")
        TIE = "tie", _("Tie")
        BOTH_BAD = "both_bad", _("Both bad")

    image_low = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="+")
    image_high = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="+")
    outcome = models.CharField(max_length=8, choices=Outcome.choices)
    preferred = models.ForeignKey(Image, null=True, on_delete=models.CASCADE, related_name="+")  # null: tie, both bad
    created_at = models.DateTimeField()

    class Meta:
        abstract = True


class Comparison(PairAnswer):
    """Which of two pictures is better."""

    ask = models.OneToOneField(Ask, on_delete=models.CASCADE, related_name="comparison")
    rater = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="comparisons")
    repeat_no = models.PositiveSmallIntegerField(default=0)
    # the flags in force by the rules' present version (`QualityFlag` is the truth), where exports read them
    quality_flags: ArrayField[list[str], list[str]] = ArrayField(models.CharField(max_length=24), default=list)

    objects = ComparisonQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["image_low", "image_high", "rater", "repeat_no"], name="comparison_once"),
            models.CheckConstraint(name="comparison_low_first", condition=Q(image_high__gt=F("image_low"))),
        ]
