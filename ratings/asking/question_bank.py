"""What may be asked and how often: the question bank with its wordings, and the policies that draw from it."""

from dataclasses import dataclass
from datetime import date

from django.apps import apps
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

ENGLISH = "en"


@dataclass(frozen=True, slots=True)
class Wording:
    """A question as one reader meets it; `labels` from worst to best."""

    language: str
    text: str
    labels: list[str]


class QuestionQuerySet(models.QuerySet["Question"]):
    def active(self) -> "QuestionQuerySet":
        return self.filter(is_active=True)

    def on_scale(self) -> "QuestionQuerySet":
        """Questions about one picture; the others are about a pair."""
        return self.filter(form=Question.Form.SCALE)


class Question(models.Model):
    """One wording of one question; a new wording is a new version, so old answers keep theirs.

    Texts are stored in English; another language has a row of its own (`QuestionTranslation`).
    """

    class Form(models.TextChoices):
        SCALE = "scale", _("One picture, five labelled steps")
        PAIR = "pair", _("Two pictures, which is better")

    slug = models.SlugField(max_length=32)  # lighting, subject, background, colour, prompt-match, artefacts, overall
    version = models.PositiveSmallIntegerField(default=1)
    text = models.CharField(max_length=200)
    form = models.CharField(max_length=5, choices=Form.choices, default=Form.SCALE)
    labels: ArrayField[list[str], list[str]] = ArrayField(models.CharField(max_length=40), size=5)  # worst to best
    is_active = models.BooleanField(default=True)

    objects = QuestionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["slug", "version"], name="question_version_once"),
            models.UniqueConstraint(fields=["slug"], name="question_one_active", condition=Q(is_active=True)),
        ]

    def __str__(self) -> str:
        return f"{self.slug} {self.version}"

    def wording(self, language: str | None = None) -> Wording:
        """In `language` (None: the reader's), in English where it is not translated. At most one query."""
        wanted = language or get_language() or ENGLISH
        if wanted.split("-")[0] != ENGLISH:
            row = self.translations.filter(language__in=[wanted, wanted.split("-")[0]]).order_by("-language").first()
            if row is not None:
                return Wording(row.language, row.text, row.labels)
        return Wording(ENGLISH, self.text, self.labels)


class QuestionTranslation(models.Model):
    """One version of a question in another language; corrected by a new version, like the question itself."""

    question = models.ForeignKey(Question, on_delete=models.CASCADE, related_name="translations")
    language = models.CharField(max_length=8)
    text = models.CharField(max_length=200)
    labels: ArrayField[list[str], list[str]] = ArrayField(models.CharField(max_length=40), size=5)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["question", "language"], name="translation_once")]


class PolicyQuerySet(models.QuerySet["Policy"]):
    def current(self) -> "Policy":
        """The policy that draws now: the version that the settings name, else the active one."""
        if settings.ASK_POLICY_VERSION:
            return self.get(version=settings.ASK_POLICY_VERSION)
        return self.get(is_active=True)

    def unused(self) -> "PolicyQuerySet":
        """Drafts: never put in force, and nothing was drawn by them."""
        drawn = Exists(apps.get_model("ratings.Ask").objects.filter(policy=OuterRef("pk")))
        tallied = Exists(DrawTally.objects.filter(policy=OuterRef("pk")))
        return self.filter(is_active=False, activated_at=None).exclude(drawn).exclude(tallied)


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


class DrawTallyQuerySet(models.QuerySet["DrawTally"]):
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


class DrawTally(models.Model):
    """Draws that asked nothing, counted by stratum instead of stored singly."""

    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="+")
    day = models.DateField()
    surface = models.CharField(max_length=8)
    stratum = models.CharField(max_length=64)
    p_ask = models.FloatField()
    reason = models.CharField(max_length=8, blank=True)  # the limit that made p_ask 0; empty: chance
    draws = models.PositiveBigIntegerField(default=0)

    objects = DrawTallyQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["policy", "day", "surface", "stratum", "p_ask", "reason"], name="drawtally_once"
            )
        ]
