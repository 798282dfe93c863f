"""What members save, and with whom they share it."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.crypto import get_random_string
from django.utils.translation import gettext_lazy as _

from accounts.models import Role, User, Viewer
from feed.members.queries import blocked_authors
from feed.posts.models import Post
from lib.ids import PublicIdModel
from moderation.models import Restriction


def new_link_key() -> str:
    """What a shared link carries; 131 bits, so that it cannot be guessed."""
    return get_random_string(22)


class CollectionQuerySet(models.QuerySet["Collection"]):
    def published(self, at: datetime) -> "CollectionQuerySet":
        """Public ones of members who are not banned."""
        banned = Restriction.objects.banned(at).values("user_id")
        shown = self.filter(visibility=Collection.Visibility.PUBLIC, removed_at=None, owner__deleted_at=None)
        return shown.exclude(owner__in=banned)

    def visible_to(self, viewer: Viewer, at: datetime, key: str = "") -> "CollectionQuerySet":
        """One's own, public ones, and those shared by name or by the link that carries `key`; none behind a block."""
        if isinstance(viewer, User) and viewer.has_role(Role.MODERATOR):
            return self.exclude(Q(visibility=Collection.Visibility.PRIVATE) & ~Q(owner=viewer))
        shared = Q(visibility=Collection.Visibility.SHARED)
        shown = Q(visibility=Collection.Visibility.PUBLIC)
        if key:
            shown |= shared & Q(link_key=key)
        if isinstance(viewer, User):
            shown |= shared & Q(pk__in=CollectionMember.objects.filter(member=viewer).values("collection"))
        banned = Restriction.objects.banned(at).values("user_id")
        shown &= Q(removed_at=None) & ~Q(owner__in=banned)
        if not isinstance(viewer, User):
            return self.filter(shown)
        return self.filter(shown & ~blocked_authors(viewer, "owner") | Q(owner=viewer))


class Collection(PublicIdModel):
    """Posts that a member put together. Everybody has a default one, which the save button fills."""

    class Visibility(models.TextChoices):
        PRIVATE = "private", _("Only you")
        SHARED = "shared", _("Whom you share it with")
        PUBLIC = "public", _("Everybody")

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="collections")
    name = models.CharField(max_length=80)
    visibility = models.CharField(max_length=7, choices=Visibility.choices, default=Visibility.PRIVATE)
    link_key = models.CharField(max_length=22, default=new_link_key)
    is_default = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True)  # by moderation

    objects = CollectionQuerySet.as_manager()

    class Meta:
        verbose_name = _("collection")
        constraints = [
            models.UniqueConstraint(fields=["owner"], condition=Q(is_default=True), name="collection_one_default"),
            models.UniqueConstraint(fields=["owner", "name"], name="collection_name_once"),
        ]
        indexes = [models.Index(fields=["owner", "-created_at", "-id"], name="collection_of_owner")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("feed:collection", args=[self.public_id])


class CollectionMember(models.Model):
    """A member with whom a collection is shared by name; they may look, and add if the owner lets them."""

    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="members")
    member = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="shared_collections")
    may_add = models.BooleanField(default=False)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["collection", "member"], name="collectionmember_once")]


class CollectionItem(models.Model):
    """A saved post. Whoever added it has saved it; the count of saves is computed from these rows."""

    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="items")
    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="collection_items")
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saves")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["collection", "post"], name="collectionitem_once")]
        indexes = [
            models.Index(fields=["collection", "-created_at", "-id"], name="collectionitem_page"),
            # recounting, and whether a viewer saved what a card shows
            models.Index(fields=["post", "added_by"], name="collectionitem_saves"),
        ]
