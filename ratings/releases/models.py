"""Dataset releases: their planned rows, the files that hold them, and what was deleted from them."""

from datetime import datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Role, User, Viewer
from lib.ids import PublicIdModel


class ReleaseQuerySet(models.QuerySet["Release"]):
    def unfinished(self) -> "ReleaseQuerySet":
        return self.filter(state__in=Release.UNFINISHED)

    def unfinished_or_published(self) -> "ReleaseQuerySet":
        """Neither failed nor cancelled."""
        return self.exclude(state__in=[Release.State.FAILED, Release.State.CANCELLED])

    def visible_to(self, viewer: Viewer, at: datetime | None = None) -> "ReleaseQuerySet":
        """All releases for the research team, none for others."""
        return self if isinstance(viewer, User) and viewer.has_role(Role.RESEARCHER) else self.none()

    def downloadable(self) -> "ReleaseQuerySet":
        """Published to the releases store and not withdrawn: what signed links may serve."""
        return self.filter(state=Release.State.PUBLISHED, destination="")


class Release(PublicIdModel):
    """A dataset release: requested, planned, then built shard by shard by any number of workers."""

    class State(models.TextChoices):
        REQUESTED = "requested", _("Being planned")
        BUILDING = "building", _("Being built")
        PUBLISHED = "published", _("Published")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    UNFINISHED = (State.REQUESTED, State.BUILDING)

    name = models.CharField(max_length=120)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    kinds: ArrayField[list[str], list[str]] = ArrayField(models.CharField(max_length=16))
    filter = models.JSONField(default=dict)
    destination = models.CharField(max_length=500, blank=True)  # a folder; empty: the releases store
    state = models.CharField(max_length=10, choices=State.choices, default=State.REQUESTED)
    failure = models.CharField(max_length=500, blank=True)
    plan = models.JSONField(default=dict)  # counts of the plan: rows, dropped and why, balance, resolutions
    manifest = models.JSONField(default=dict)  # manifest.json of the published release
    as_of = models.DateTimeField()
    created_at = models.DateTimeField()
    published_at = models.DateTimeField(null=True)
    # which process writes the last files and publishes, and for how long nobody else may
    finish_claimed_until = models.DateTimeField(null=True)
    parent = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="point_releases")

    objects = ReleaseQuerySet.as_manager()

    class Meta:
        constraints = [
            # two commands never fill one folder; --resume finds its release by this
            models.UniqueConstraint(
                fields=["destination"],
                name="release_one_unfinished_per_folder",
                condition=Q(state__in=["requested", "building"]) & ~Q(destination=""),
            )
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="release_newest"),
            # the task that continues unfinished releases
            models.Index(fields=["id"], name="release_unfinished", condition=Q(state__in=["requested", "building"])),
        ]


class ReleaseShardQuerySet(models.QuerySet["ReleaseShard"]):
    def unbuilt(self) -> "ReleaseShardQuerySet":
        return self.filter(built_at=None)

    def claimable(self, at: datetime) -> "ReleaseShardQuerySet":
        """Unbuilt, of a release still being built, and claimed by no worker at the moment."""
        free = Q(claimed_until=None) | Q(claimed_until__lte=at)
        return self.unbuilt().filter(free, release__state=Release.State.BUILDING)


class ReleaseShard(models.Model):
    """One file of a release; claimed and finished by conditional UPDATEs, so any worker builds any shard."""

    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="shards")
    kind = models.CharField(max_length=16)
    split = models.CharField(max_length=24)
    index = models.PositiveIntegerField()
    of = models.PositiveIntegerField()
    rows = models.PositiveIntegerField()
    size = models.PositiveBigIntegerField(null=True)
    sha256 = models.CharField(max_length=64, blank=True)
    # the name of an unchanged file in the release that a point release follows, to be copied from there
    copied_from = models.CharField(max_length=120, blank=True)
    claimed_until = models.DateTimeField(null=True)
    built_at = models.DateTimeField(null=True)

    objects = ReleaseShardQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["release", "kind", "split", "index"], name="releaseshard_once")]


class ReleaseBlock(models.Model):
    """Some planned rows of a shard, with copies of their values except pictures, as Arrow.

    Pseudonyms are in place. `raters` and `images` are the members and pictures that the rows depend on: they are
    checked again before publication, and rows are deleted by them.
    """

    shard = models.ForeignKey(ReleaseShard, on_delete=models.CASCADE, related_name="blocks")
    position = models.PositiveBigIntegerField()  # of its first row, in its split
    rows = models.PositiveIntegerField()
    raters: ArrayField[list[int], list[int]] = ArrayField(models.BigIntegerField())
    images: ArrayField[list[int], list[int]] = ArrayField(models.BigIntegerField())
    data = models.BinaryField()  # ratings.releases.engine.block_codec

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shard", "position"], name="releaseblock_position")]


class ReleaseTombstone(models.Model):
    """A row deleted from a published release: its key there, which is unrelated to any other key."""

    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="tombstones")
    kind = models.CharField(max_length=16)
    key = models.BigIntegerField()
    gone_on = models.DateField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["release", "kind", "key"], name="releasetombstone_once")]


class DeletedPicture(models.Model):
    """A keyed digest of a deleted picture that was in a release, so that no copy of it is published later."""

    digest = models.CharField(max_length=64, unique=True)

    class Meta:
        db_table = "ratings_gonepicture"  # its name before the model was renamed
