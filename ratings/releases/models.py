"""Dataset releases: what leaves, frozen when it was planned, and the files it leaves in."""

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
        """Those that stand, or may yet."""
        return self.exclude(state__in=[Release.State.FAILED, Release.State.CANCELLED])

    def visible_to(self, viewer: Viewer, at: datetime | None = None) -> "ReleaseQuerySet":
        """Releases are the research team's; to others there are none."""
        return self if isinstance(viewer, User) and viewer.has_role(Role.RESEARCHER) else self.none()

    def downloadable(self) -> "ReleaseQuerySet":
        """Published to the releases store and not withdrawn: what a signed link may hand out."""
        return self.filter(state=Release.State.PUBLISHED, destination="")


class Release(PublicIdModel):
    """A dataset release: requested, planned (items frozen), then built shard by shard by any number of workers."""

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
            # the task that carries unfinished releases on
            models.Index(fields=["id"], name="release_unfinished", condition=Q(state__in=["requested", "building"])),
        ]


class ReleaseShardQuerySet(models.QuerySet["ReleaseShard"]):
    def unbuilt(self) -> "ReleaseShardQuerySet":
        return self.filter(built_at=None)

    def claimable(self, at: datetime) -> "ReleaseShardQuerySet":
        """Unbuilt, of a release still being built, and nobody's at the moment."""
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
    # what an untouched file of a point release is called in the release before it, to be copied from there
    copied_from = models.CharField(max_length=120, blank=True)
    claimed_until = models.DateTimeField(null=True)
    built_at = models.DateTimeField(null=True)

    objects = ReleaseShardQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["release", "kind", "split", "index"], name="releaseshard_once")]


class ReleaseBlock(models.Model):
    """Some planned rows of a shard, with copies of the values they will carry (pictures apart), as Arrow.

    Pseudonyms are in place. Whose answers and which pictures the rows stand on is read again before publication,
    and they are erased by it.
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
    """A row that left a published release: its key there, which means nothing anywhere else."""

    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="tombstones")
    kind = models.CharField(max_length=16)
    key = models.BigIntegerField()
    gone_on = models.DateField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["release", "kind", "key"], name="releasetombstone_once")]


class GonePicture(models.Model):
    """A keyed digest of a deleted picture that was in a release, so that no copy of its bytes leaves again."""

    digest = models.CharField(max_length=64, unique=True)
