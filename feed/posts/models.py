"""A published picture, and who may see it."""

from datetime import datetime
from functools import cache

from django.conf import settings
from django.db import models
from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, Q
from django.urls import reverse
from django.utils import timezone

from accounts.models import Role, User, Viewer, level_for
from feed.members import filters
from feed.members.models import Mute
from feed.members.queries import blocked_authors
from feed.tags.models import PostTag, Tag
from generation.models import Generation, Image, ImageState
from lib.ids import PublicIdModel
from moderation.models import Restriction


class PostQuerySet(models.QuerySet["Post"]):
    def published(self) -> "PostQuerySet":
        """Published by their author and not taken down since."""
        return self.filter(unpublished_at=None, removed_at=None, deleted_at=None)

    def public(self, at: datetime) -> "PostQuerySet":
        """Published posts that somebody may see in a list, whatever the level: screened, by nobody banned."""
        banned = Restriction.objects.banned(at).values("user_id")
        return self.published().filter(image__is_public=True).exclude(author_id__in=banned)

    def shown_to(self, viewer: Viewer, at: datetime) -> "PostQuerySet":
        """Public posts of a level that `viewer` chose, by nobody whom they blocked or who blocked them.

        What is not screened does not exist.
        """
        shown = self.public(at).filter(image__state=ImageState.READY, image__content_level__lte=level_for(viewer))
        return shown.exclude(blocked_authors(viewer)) if isinstance(viewer, User) else shown

    def beyond_level_of(self, viewer: Viewer, at: datetime) -> "PostQuerySet":
        """Public posts that only their level keeps from `viewer`; none where the site is locked to one."""
        if settings.SAFE_MODE:
            return self.none()
        above = self.public(at).filter(image__state=ImageState.READY, image__content_level__gt=level_for(viewer))
        above = above.select_related("image")
        return above.exclude(blocked_authors(viewer)) if isinstance(viewer, User) else above

    def listed_for(self, viewer: Viewer, at: datetime) -> "PostQuerySet":
        """What any list may show `viewer`: what they may see, but for what they muted or are not interested in.

        The one filter of feed, search, RSS, API, profiles, collections, challenges, notifications and counts.
        """
        return self.shown_to(viewer, at).wanted_by(viewer, at)

    def wanted_by(self, viewer: Viewer, at: datetime) -> "PostQuerySet":
        """Without what `viewer` muted to hide it, or is not interested in."""
        if not isinstance(viewer, User):
            return self
        return self.exclude(filters.muted(viewer, Mute.Effect.HIDE, at)).exclude(filters.not_interesting(viewer))

    def visible_to(self, viewer: Viewer, at: datetime) -> "PostQuerySet":
        """Posts whose page `viewer` may open: what is shown to them, muted or not, their own, and for moderators
        all but the deleted."""
        if isinstance(viewer, User) and viewer.has_role(Role.MODERATOR):
            return self.filter(deleted_at=None)
        shown = Q(pk__in=self.model.objects.shown_to(viewer, at).values("pk"))
        if isinstance(viewer, User):
            own = Q(author=viewer, removed_at=None, deleted_at=None, image__deleted_at=None)
            shown |= own & ~Q(image__state=ImageState.REJECTED)
        return self.filter(shown)

    def for_page(self, viewer: Viewer, at: datetime) -> "PostQuerySet":
        """Posts whose page `viewer` may open, with all that the page shows of the post itself."""
        return self.visible_to(viewer, at).with_card(viewer, at).select_related("image__generation__style", "entry")

    def tagged(self, tag: Tag) -> "PostQuerySet":
        """Posts that carry `tag`, which is no alias."""
        return self.filter(Exists(PostTag.objects.filter(post=OuterRef("pk"), tag=tag)))

    def with_card(self, viewer: Viewer, at: datetime | None = None) -> "PostQuerySet":
        """All that a card shows, in the same query: `is_liked`, `is_saved` and `is_blurred` are `viewer`'s."""
        rows = self.select_related("author", "count", "image__generation__checkpoint")
        if not isinstance(viewer, User):
            return rows
        likes = Like.objects.filter(post=OuterRef("pk"), member=viewer.pk)
        saved = Q(
            collection_items__added_by=viewer.pk,
            collection_items__collection__is_default=True,
            collection_items__collection__owner=viewer.pk,
        )
        blurred = filters.muted(viewer, Mute.Effect.BLUR, at or timezone.now())
        return rows.annotate(
            liked_by_viewer=Exists(likes),
            saved_by_viewer=Exists(Post.objects.filter(saved, pk=OuterRef("pk"))),
            blurred_for_viewer=ExpressionWrapper(blurred, output_field=BooleanField()),
        )


@cache
def _post_pages() -> str:
    """What every post's address begins with; `reverse` is asked once, for a page names many posts."""
    return reverse("feed:post-detail", args=["_" * 12]).removesuffix("_" * 12 + "/")


class Post(PublicIdModel):
    """A published picture; one post per image. Unpublishing keeps its age, deleting blanks it."""

    image = models.OneToOneField(Image, on_delete=models.PROTECT, related_name="post")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="posts")
    title = models.CharField(max_length=120, blank=True)
    published_at = models.DateTimeField()
    unpublished_at = models.DateTimeField(null=True, blank=True)
    removed_at = models.DateTimeField(null=True, blank=True)  # by moderation
    deleted_at = models.DateTimeField(null=True, blank=True)
    pinned_at = models.DateTimeField(null=True, blank=True)  # to the top of its author's profile
    challenge_place = models.PositiveSmallIntegerField(null=True, editable=False)  # 1 to 3; a copy for cards

    objects = PostQuerySet.as_manager()

    stack_count = 0  # further posts that belong together with this one: set where a profile is read
    collapsed_count = 0  # further posts of the author behind this one: set where a page is read

    class Meta:
        constraints = [
            models.CheckConstraint(name="post_tombstone_is_blank", condition=Q(deleted_at=None) | Q(title=""))
        ]
        # a profile and its feeds: newest first
        indexes = [
            models.Index(fields=["author", "-published_at", "-id"], name="post_of_author"),
            models.Index(fields=["author"], name="post_pinned", condition=Q(pinned_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.title or self.public_id

    def get_absolute_url(self) -> str:
        return f"{_post_pages()}{self.public_id}/"

    @property
    def is_published(self) -> bool:
        return self.unpublished_at is None and self.removed_at is None and self.deleted_at is None

    @property
    def is_liked(self) -> bool:
        """By the viewer of `with_card`; False where nobody asked."""
        return bool(self.__dict__.get("liked_by_viewer", False))

    @is_liked.setter
    def is_liked(self, value: bool) -> None:
        self.__dict__["liked_by_viewer"] = value

    @property
    def is_saved(self) -> bool:
        """In the default collection of the viewer of `with_card`."""
        return bool(self.__dict__.get("saved_by_viewer", False))

    @is_saved.setter
    def is_saved(self, value: bool) -> None:
        self.__dict__["saved_by_viewer"] = value

    @property
    def is_blurred(self) -> bool:
        """A mute of the viewer of `with_card` says: show that there is something, not what."""
        return bool(self.__dict__.get("blurred_for_viewer", False))

    def may_read_prompt(self, viewer: Viewer) -> bool:
        return self.image.may_read_prompt(viewer)


class PostWords(models.Model):
    """The words of a post as `lib.text.words_of` cuts them: what mutes and search compare. `visibility` keeps it.

    Parts lie between bars: ``| the red fox | night sky |``. A row of another version of the tokeniser is cut again by
    `index_search`.
    """

    post = models.OneToOneField(Post, primary_key=True, on_delete=models.CASCADE, related_name="words")
    readable = models.TextField()  # of title, tags, and the prompt unless its author hides it
    hidden = models.TextField()  # of a hidden prompt, which its author alone may search
    source = models.UUIDField()  # MD5 of what they were cut from
    version = models.PositiveSmallIntegerField()


class Like(models.Model):
    """The truth behind every like count."""

    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="likes")
    member = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="likes")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["post", "member"], name="like_once")]
        indexes = [models.Index(fields=["member", "-created_at", "-id"], name="like_of_member")]


class Reproduction(models.Model):
    """A member ran a post's seed again: the generation that answers whether it comes out the same."""

    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="reproductions")
    member = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="reproductions")
    generation = models.OneToOneField(Generation, on_delete=models.CASCADE, related_name="reproduction")
    created_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["member", "post"], name="reproduction_of_member")]


class RecountRequest(models.Model):
    """The ledgers of a post changed: added in the same transaction, removed by the recount that saw the change.

    A row per change rather than a mark on the post: members who like the same post never wait for each other.
    """

    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="+")

    class Meta:
        db_table = "feed_stalecount"
