"""Rankings: three or four pictures of one prompt, put in order."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q

from generation.models import Image
from ratings.asking.models import Ask


class RankedPicture(models.Model):
    """A picture of a ranking: where it was shown and, once answered, which rank it got.

    The ask names the pictures with the lowest and the highest id as its pair; these rows name them all.
    """

    ask = models.ForeignKey(Ask, on_delete=models.CASCADE, related_name="ranked")
    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="+")
    place = models.PositiveSmallIntegerField()  # on the screen, from 0
    rank = models.PositiveSmallIntegerField(null=True)  # 1 is the best; null: not answered
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["ask", "image"], name="ranked_picture_once"),
            models.UniqueConstraint(fields=["ask", "place"], name="ranked_place_once"),
            models.CheckConstraint(
                name="ranked_picture_of_four", condition=Q(place__lte=3) & (Q(rank=None) | Q(rank__range=(1, 4)))
            ),
        ]
        indexes = [BrinIndex(fields=["created_at"], name="ranked_picture_brin")]
