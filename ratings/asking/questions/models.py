"""The question bank: questions about one picture or a pair, in versions, and their translations."""

from dataclasses import dataclass

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

ENGLISH = "en"
PAIR_SUFFIX = "-pair"  # of the slug of a question about one aspect of a pair
MARKS_SUFFIX = "-marks"  # of a question where one aspect of a picture is wrong
CAMPAIGN_PREFIX = "campaign-"  # of a question that one campaign alone asks


@dataclass(frozen=True, slots=True)
class Wording:
    """A question as one reader meets it; `labels` from worst to best."""

    language: str
    text: str
    labels: list[str]


class QuestionQuerySet(models.QuerySet["Question"]):
    def active(self) -> "QuestionQuerySet":
        return self.filter(is_active=True)

    def in_bank(self) -> "QuestionQuerySet":
        """Every wording but those of single campaigns."""
        return self.exclude(slug__startswith=CAMPAIGN_PREFIX)

    def on_scale(self) -> "QuestionQuerySet":
        """Questions about one picture; the others are about a pair."""
        return self.filter(form=Question.Form.SCALE)

    def by_aspect(self) -> "QuestionQuerySet":
        """Questions about one aspect of a pair."""
        return self.filter(form=Question.Form.PAIR, slug__endswith=PAIR_SUFFIX)

    def on_regions(self) -> "QuestionQuerySet":
        """Questions answered by places in a picture."""
        return self.filter(form=Question.Form.MARKS)


class Question(models.Model):
    """One wording of one question; a new wording is a new version, so old answers keep theirs.

    Texts are stored in English; another language has a row of its own (`QuestionTranslation`).
    """

    class Form(models.TextChoices):
        SCALE = "scale", _("One picture, five labelled steps")
        PAIR = "pair", _("Two pictures, which is better, or better in one aspect")
        MARKS = "marks", _("One picture, the places where it is wrong")
        RANKING = "order", _("Up to four pictures, put in order")

    # lighting, subject, background, colour, prompt-match, artefacts, overall; about pairs preference, lighting-pair …;
    # where it is wrong artefacts-marks …; about several pictures ranking
    slug = models.SlugField(max_length=32)
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

    @property
    def is_by_aspect(self) -> bool:
        """Whether it compares a pair by one aspect."""
        return self.form == self.Form.PAIR and self.slug.endswith(PAIR_SUFFIX)

    @property
    def aspect(self) -> str:
        """What it is about, whichever its form: “lighting” of `lighting` and of `lighting-pair`."""
        return self.slug.removesuffix(PAIR_SUFFIX).removesuffix(MARKS_SUFFIX)

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
