"""Hashes of pictures that are blocked."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from pgvector.django import BitField


class BlockedHash(models.Model):
    """A PDQ hash (256 bits) of a picture that was removed, or that the operator brought.

    Migration 0006 brings the indexes and `salon_blocked_near`, which finds those in force within 31 bits of another:
    exactly, because a row that an approximate index missed would be shown to everybody.
    """

    class Source(models.TextChoices):
        OPERATOR = "operator", _("Operator's list")
        DECISION = "decision", _("Removed picture")

    pdq = BitField(length=256)
    source = models.CharField(max_length=8, choices=Source.choices)
    decision = models.ForeignKey("moderation.Decision", null=True, blank=True, on_delete=models.PROTECT)
    note = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    lifted_at = models.DateTimeField(null=True, blank=True)
    swept_at = models.DateTimeField(null=True, blank=True)  # what was published before it has been compared
