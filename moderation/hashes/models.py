"""Hashes of pictures that are blocked."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from pgvector.django import BitField, HammingDistance


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
