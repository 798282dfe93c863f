"""Answers to comparisons by aspect."""

from django.conf import settings
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q

from ratings.asking.models import Ask, PairAnswer
from ratings.asking.questions.models import Question


class AspectComparison(PairAnswer):
    """Which of two pictures is better in one aspect; never counted as a vote for the picture as a whole."""

    ask = models.OneToOneField(Ask, on_delete=models.CASCADE, related_name="aspect_comparison")
    rater = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="aspect_comparisons")
    question = models.ForeignKey(Question, on_delete=models.PROTECT, related_name="+")

    class Meta:
        indexes = [BrinIndex(fields=["created_at"], name="aspect_comparison_brin")]  # whose answers are new
        constraints = [
            models.UniqueConstraint(
                fields=["image_low", "image_high", "question", "rater"], name="aspect_comparison_once"
            ),
            models.CheckConstraint(name="aspect_comparison_low_first", condition=Q(image_high__gt=F("image_low"))),
        ]
