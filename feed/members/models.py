"""Profiles, and whom and what a member wants to see or not."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from generation.models import Checkpoint, Image


class Follow(models.Model):
    """`member` wants what `followed` publishes."""

    member = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="follows")
    followed = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="followers")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["member", "followed"], name="follow_once"),
            models.CheckConstraint(name="follow_of_another", condition=~Q(member=models.F("followed"))),
        ]
        indexes = [models.Index(fields=["member", "-created_at", "-id"], name="follow_of_member")]


class BlockQuerySet(models.QuerySet["Block"]):
    def blocked_by(self, member_id: int | None) -> "models.QuerySet[Block, int]":
        """Ids of the members that this one blocked; use as a subquery."""
        return self.filter(member=member_id).values_list("blocked_id", flat=True)

    def blocking(self, member_id: int | None) -> "models.QuerySet[Block, int]":
        """Ids of the members who blocked this one; use as a subquery."""
        return self.filter(blocked=member_id).values_list("member_id", flat=True)


class Block(models.Model):
    """Neither of the two sees anything of the other."""

    member = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="blocks")
    blocked = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="blocked_by")
    created_at = models.DateTimeField()

    objects = BlockQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["member", "blocked"], name="block_once"),
            models.CheckConstraint(name="block_of_another", condition=~Q(member=models.F("blocked"))),
        ]
        # the other direction, from the index alone
        indexes = [models.Index(fields=["blocked", "member"], name="block_from_behind")]


class MuteQuerySet(models.QuerySet["Mute"]):
    def active(self, at: datetime) -> "MuteQuerySet":
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=at))


class Mute(models.Model):
    """What a member does not want in lists.

    `value` is a tag's name or words as they are spelled, empty for the other kinds; `words` are muted words as
    `lib.text.words_of` cuts them, one space between.
    """

    class Kind(models.TextChoices):
        TAG = "tag", _("Tag")
        WORD = "word", _("Words")
        CHECKPOINT = "checkpoint", _("Checkpoint")
        AUTHOR = "author", _("Member")

    class Effect(models.TextChoices):
        HIDE = "hide", _("Hide")
        BLUR = "blur", _("Blur")

    member = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="mutes")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    effect = models.CharField(max_length=4, choices=Effect.choices, default=Effect.HIDE)
    value = models.CharField(max_length=60, blank=True)
    words = models.CharField(max_length=200, blank=True, default="", db_default="")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="muted_by")
    checkpoint = models.ForeignKey(Checkpoint, null=True, on_delete=models.CASCADE, related_name="+")
    expires_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    objects = MuteQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["member", "kind", "value", "author", "checkpoint"], name="mute_once", nulls_distinct=False
            ),
            models.CheckConstraint(
                name="mute_names_one_thing",
                condition=(Q(kind__in=["tag", "word"], author=None, checkpoint=None) & ~Q(value=""))
                | Q(kind="author", value="", author__isnull=False, checkpoint=None)
                | Q(kind="checkpoint", value="", author=None, checkpoint__isnull=False),
            ),
        ]


class HiddenPost(models.Model):
    """A post that a member is not interested in: in none of their lists."""

    member = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="hidden_posts")
    post = models.ForeignKey("feed.Post", on_delete=models.CASCADE, related_name="hidden_by")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["member", "post"], name="hiddenpost_once")]
        indexes = [models.Index(fields=["member", "-created_at", "-id"], name="hiddenpost_of_member")]


class Profile(models.Model):
    """A member's public face; its words are screened like any text."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE)
    display_name = models.CharField(max_length=60, blank=True)
    bio = models.TextField(max_length=500, blank=True)
    avatar = models.ForeignKey(Image, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
