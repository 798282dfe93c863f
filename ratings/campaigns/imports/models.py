"""What is kept of an archive until its pictures are imported."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q

from ratings.campaigns.models import Campaign, CampaignPicture


class CampaignArchiveQuerySet(models.QuerySet["CampaignArchive"]):
    def to_delete(self, unclaimed_before: datetime) -> "CampaignArchiveQuerySet":
        """Those of campaigns that no longer import, and those whose campaign was never made."""
        is_done = Q(campaign__isnull=False) & ~Q(campaign__state=Campaign.State.IMPORTING)
        return self.filter(is_done | Q(campaign=None, created_at__lt=unclaimed_before))


class CampaignArchive(models.Model):
    """The archive of a campaign in the store. The row is there before the file and goes after it."""

    campaign = models.OneToOneField(Campaign, null=True, on_delete=models.SET_NULL, related_name="archive")
    file = models.CharField(max_length=120)  # campaigns/{random}.zip in the store
    created_at = models.DateTimeField()

    objects = CampaignArchiveQuerySet.as_manager()


class ImportedPictureQuerySet(models.QuerySet["ImportedPicture"]):
    def waiting(self, campaign: Campaign) -> Self:
        """Neither there nor given up."""
        return self.filter(picture__campaign=campaign, picture__image=None, picture__failure="")

    def due(self, at: datetime) -> Self:
        """Neither in somebody's hands nor put off."""
        return self.filter(not_before__lte=at)


class ImportedPicture(models.Model):
    """Where a planned picture lies in the archive, and who imports it now."""

    picture = models.OneToOneField(CampaignPicture, primary_key=True, on_delete=models.CASCADE, related_name="imported")
    file = models.CharField(max_length=1000)
    line = models.PositiveIntegerField()  # of the metadata
    image_number = models.BigIntegerField(unique=True)  # the id that its image gets: its files are written before it
    attempts = models.PositiveSmallIntegerField(default=0)  # that were begun
    not_before = models.DateTimeField()

    objects = ImportedPictureQuerySet.as_manager()
