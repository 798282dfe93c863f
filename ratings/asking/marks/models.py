"""Region marks: where a picture is wrong, with a word of what."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q

from ratings.asking.models import Ask


class RegionMark(models.Model):
    """A place that somebody marked in a picture, or, as number 0, that they found nothing to mark.

    `x` and `y` are shares of the picture's width and height, from its left and upper edge.
    """

    ask = models.ForeignKey(Ask, on_delete=models.CASCADE, related_name="marks")
    number = models.PositiveSmallIntegerField()  # in the order they were made, from 1; 0: nothing is marked
    x = models.FloatField(null=True)
    y = models.FloatField(null=True)
    word = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["ask", "number"], name="region_mark_once"),
            models.CheckConstraint(
                name="region_mark_in_picture",
                condition=Q(number=0, x=None, y=None, word="") | Q(number__gt=0, x__range=(0, 1), y__range=(0, 1)),
            ),
        ]
        indexes = [BrinIndex(fields=["created_at"], name="region_mark_brin")]  # what is new
