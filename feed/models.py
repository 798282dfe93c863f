"""What people see: posts, the narrow table that ranks them, likes, profiles, and daily challenges."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, Func, OuterRef, Q, Value
from django.db.models.functions import Cast
from django.urls import reverse

from accounts.ids import PublicIdModel
from accounts.levels import ContentLevel
from accounts.models import Role, User, Viewer, level_for
from feed.days import local_day
from generation.models import Image, ImageState
from moderation.models import Restriction


class PostQuerySet(models.QuerySet["Post"]):
    def hung(self) -> "PostQuerySet":
        """Published by their author and not taken down since."""
        return self.filter(unpublished_at=None, removed_at=None, deleted_at=None)

    def listed_for(self, viewer: Viewer, at: datetime) -> "PostQuerySet":
        """What any list may show `viewer`: hung, with a picture that passed, of a level they chose, by nobody banned.

        The one filter of feed, profiles, challenges, counts and API lists; what is not screened does not exist.
        """
        banned = Restriction.objects.active(at).filter(kind=Restriction.Kind.BANNED).values("user_id")
        return (
            self.hung()
            .filter(image__state=ImageState.READY, image__is_public=True, image__content_level__lte=level_for(viewer))
            .exclude(author_id__in=banned)
        )

    def visible_to(self, viewer: Viewer, at: datetime) -> "PostQuerySet":
        """Posts whose page `viewer` may open: what lists show, their own, and for moderators all but the deleted."""
        if isinstance(viewer, User) and viewer.has_role(Role.MODERATOR):
            return self.filter(deleted_at=None)
        shown = Q(pk__in=self.model.objects.listed_for(viewer, at).values("pk"))
        if isinstance(viewer, User):
            own = Q(author=viewer, removed_at=None, deleted_at=None, image__deleted_at=None)
            shown |= own & ~Q(image__state=ImageState.REJECTED)
        return self.filter(shown)

    def with_card(self, viewer: Viewer) -> "PostQuerySet":
        """All that a card shows, in the same query; `is_liked` then says whether `viewer` likes the post."""
        likes = Like.objects.filter(post=OuterRef("pk"), member=viewer.pk)
        return self.select_related("author", "count", "image__generation__checkpoint").annotate(
            liked_by_viewer=Exists(likes)
        )


class Post(PublicIdModel):
    """A picture hung in the gallery; one post per image. Unpublishing keeps its age, deleting blanks it."""

    image = models.OneToOneField(Image, on_delete=models.PROTECT, related_name="post")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="posts")
    title = models.CharField(max_length=120, blank=True)
    published_at = models.DateTimeField()
    unpublished_at = models.DateTimeField(null=True, blank=True)
    removed_at = models.DateTimeField(null=True, blank=True)  # by moderation
    deleted_at = models.DateTimeField(null=True, blank=True)

    objects = PostQuerySet.as_manager()

    folded_count = 0  # further posts of the author behind this one: set where a page is read

    class Meta:
        constraints = [
            models.CheckConstraint(name="post_tombstone_is_blank", condition=Q(deleted_at=None) | Q(title=""))
        ]
        # a profile and its feeds: newest first
        indexes = [models.Index(fields=["author", "-published_at", "-id"], name="post_of_author")]

    def __str__(self) -> str:
        return self.title or self.public_id

    def get_absolute_url(self) -> str:
        return reverse("feed:post-detail", args=[self.public_id])

    @property
    def is_hung(self) -> bool:
        return self.unpublished_at is None and self.removed_at is None and self.deleted_at is None

    @property
    def is_liked(self) -> bool:
        """By the viewer of `with_card`; False where nobody asked."""
        return bool(self.__dict__.get("liked_by_viewer", False))

    @is_liked.setter
    def is_liked(self, value: bool) -> None:
        self.__dict__["liked_by_viewer"] = value

    def may_read_prompt(self, viewer: Viewer) -> bool:
        """A hidden prompt is its author's alone (and the moderators', who must judge it)."""
        if not self.image.is_prompt_hidden or viewer.pk == self.author_id:
            return True
        return isinstance(viewer, User) and viewer.has_role(Role.MODERATOR)

    # --- what moderation knows of a target ---

    def moderation_author(self) -> User:
        return self.author

    def moderation_text(self) -> str:
        return "\n".join(filter(None, [self.title, self.image.generation.prompt]))

    def moderation_image_url(self, viewer: Viewer) -> str:
        return self.image.moderation_image_url(viewer)

    def moderation_pdq(self) -> str | None:
        return self.image.moderation_pdq()

    def moderation_reach(self) -> int:
        return self.count.likes if hasattr(self, "count") else 0

    def moderation_related(self) -> list[models.Model]:
        """Posts of pictures that were remixed from this one."""
        return list(Post.objects.hung().filter(image__generation__parent=self.image_id))


class FeedEntry(models.Model):
    """The row that ranks. Written only when `hot` or visibility changes; no prompt, no JSON."""

    post = models.OneToOneField(Post, primary_key=True, on_delete=models.CASCADE, related_name="entry")
    author_id = models.BigIntegerField()
    challenge_id = models.BigIntegerField(null=True)
    checkpoint_id = models.BigIntegerField()
    content_level = models.PositiveSmallIntegerField()
    published_at = models.DateTimeField()
    hot = models.FloatField()
    is_visible = models.BooleanField(default=True)

    class Meta:
        indexes = [
            # hot and new for visitors and members on general; then for each wider audience
            *(
                models.Index(
                    F(column).desc(),
                    F("post").desc(),
                    name=f"entry_{column[:4]}_{level}",
                    include=["author_id", "content_level"],
                    condition=Q(is_visible=True, content_level__lte=level),
                )
                for level in ContentLevel.values
                for column in ("hot", "published_at")
            ),
            # a profile's best
            models.Index(F("author_id"), F("hot").desc(), F("post").desc(), name="entry_author_hot"),
        ]


class PostCount(models.Model):
    """Caches folded from the ledgers; never incremented, always recomputed. No index; fillfactor 70 by migration."""

    post = models.OneToOneField(Post, primary_key=True, on_delete=models.CASCADE, related_name="count")
    likes = models.PositiveIntegerField(default=0)
    saves = models.PositiveIntegerField(default=0)
    remixes = models.PositiveIntegerField(default=0)
    comments = models.PositiveIntegerField(default=0)
    weight = models.PositiveIntegerField(default=0)  # w of the hot formula
    folded_at = models.DateTimeField(null=True)


class StaleCount(models.Model):
    """A note that a post's ledgers changed: added beside the change, removed by the fold that counted it.

    A row per change rather than a mark on PostCount: members who like the same post never wait for each other.
    """

    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="+")


class RankFallQuerySet(models.QuerySet["RankFall"]):
    def committed_after(self, moment: str) -> "RankFallQuerySet":
        """Falls that a statement at `moment` (a pg_snapshot) did not see; exact, where clocks would race commits."""
        xid = Func(F("xid"), template="(%(expressions)s)::text::xid8")
        then = Func(Value(moment), template="(%(expressions)s)::pg_snapshot")
        seen = Func(xid, then, function="pg_visible_in_snapshot", output_field=models.BooleanField())
        return self.alias(was_seen=seen).filter(was_seen=False)


class RankFall(models.Model):
    """A post's place before it fell (a like withdrawn, a remix unpublished); kept a day.

    A list continued below a place skips what fell past that place since the list began: it was served above.
    """

    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="+")
    hot = models.FloatField()
    weight = models.PositiveIntegerField()
    xid = models.BigIntegerField(
        db_default=Cast(Cast(Func(function="pg_current_xact_id"), models.TextField()), models.BigIntegerField())
    )
    at = models.DateTimeField()

    objects = RankFallQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["post", "-at"], name="rankfall_of_post")]


class PostAspect(models.Model):
    """Shrunken mean rating of one aspect by others than the author; written only by ratings."""

    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="aspects")
    aspect = models.SlugField(max_length=32)
    mean = models.FloatField()
    n = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["post", "aspect"], name="postaspect_once")]
        indexes = [models.Index(F("aspect"), F("mean").desc(), F("post").desc(), name="postaspect_best")]


class Like(models.Model):
    """The truth behind every like count."""

    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="likes")
    member = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="likes")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["post", "member"], name="like_once")]
        indexes = [models.Index(fields=["member", "-created_at", "-id"], name="like_of_member")]


class Profile(models.Model):
    """A member's public face; its words are screened like any text."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE)
    display_name = models.CharField(max_length=60, blank=True)
    bio = models.TextField(max_length=500, blank=True)
    avatar = models.ForeignKey(Image, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")


class ChallengeQuerySet(models.QuerySet["Challenge"]):
    def current(self, at: datetime) -> "ChallengeQuerySet":
        """The challenge that is open at `at`; at most one."""
        return self.filter(day=local_day(at))

    def begun(self, at: datetime) -> "ChallengeQuerySet":
        """Today's and earlier ones, the latest first; themes to come stay a surprise."""
        return self.filter(day__lte=local_day(at)).order_by("-day")


class Challenge(models.Model):
    """A theme a day; whether it is open follows from the date alone, in SITE_TIME_ZONE."""

    day = models.DateField(unique=True)
    theme = models.CharField(max_length=120)
    hint = models.CharField(max_length=300, blank=True)

    objects = ChallengeQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.day}: {self.theme}"

    def get_absolute_url(self) -> str:
        return reverse("feed:challenge-detail", args=[self.day.isoformat()])

    def is_open(self, at: datetime) -> bool:
        return self.day == local_day(at)


class ChallengeEntry(models.Model):
    challenge = models.ForeignKey(Challenge, on_delete=models.PROTECT, related_name="entries")
    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="challenge_entries")
    member = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="challenge_entries")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["challenge", "post"], name="challengeentry_once")]
        # the three a member may enter
        indexes = [models.Index(fields=["challenge", "member"], name="challengeentry_of_member")]
