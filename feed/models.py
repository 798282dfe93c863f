"""What people see: posts, the narrow table that ranks them, likes, profiles, and daily challenges."""

from datetime import date, datetime

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from accounts.ids import PublicIdModel
from accounts.levels import ContentLevel
from accounts.models import Role, User, Viewer, level_for
from generation.models import Image, ImageState
from moderation.models import Restriction


class PostQuerySet(models.QuerySet["Post"]):
    def visible_to(self, viewer: Viewer, at: datetime) -> "PostQuerySet":
        """Posts that hang, whose picture passed, of a level the viewer chose, by nobody banned or blocked.

        Authors see their own; moderators see everything that is not deleted.
        """
        if isinstance(viewer, User) and viewer.has_role(Role.MODERATOR):
            return self.filter(deleted_at=None)
        banned = Restriction.objects.active(at).filter(kind=Restriction.Kind.BANNED).values("user_id")
        shown = (
            Q(unpublished_at=None, removed_at=None)
            & Q(image__state=ImageState.READY, image__is_public=True, image__content_level__lte=level_for(viewer))
            & ~Q(author_id__in=banned)
        )
        if isinstance(viewer, User):
            shown |= Q(author=viewer, removed_at=None)
        return self.filter(shown, deleted_at=None)


class Post(PublicIdModel):
    """A picture hung in the gallery; one post per image. Unpublishing keeps its age, deleting blanks it."""

    image = models.OneToOneField(Image, on_delete=models.PROTECT, related_name="post")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="posts")
    title = models.CharField(max_length=120, blank=True)
    published_at = models.DateTimeField()
    unpublished_at = models.DateTimeField(null=True)
    removed_at = models.DateTimeField(null=True)  # by moderation
    deleted_at = models.DateTimeField(null=True)

    objects = PostQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="post_tombstone_is_blank", condition=Q(deleted_at=None) | Q(title=""))
        ]
        indexes = [models.Index(fields=["author", "-published_at", "-id"], name="post_of_author")]


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
    """Caches folded from the ledgers; never incremented, always recomputed. No index, fillfactor 70."""

    post = models.OneToOneField(Post, primary_key=True, on_delete=models.CASCADE, related_name="count")
    likes = models.PositiveIntegerField(default=0)
    saves = models.PositiveIntegerField(default=0)
    remixes = models.PositiveIntegerField(default=0)
    comments = models.PositiveIntegerField(default=0)
    weight = models.PositiveIntegerField(default=0)  # w of the hot formula
    is_stale = models.BooleanField(default=False)
    folded_at = models.DateTimeField(null=True)


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
    def on_day(self, day: date) -> "ChallengeQuerySet":
        return self.filter(day=day)


class Challenge(models.Model):
    """A theme a day; whether it is open follows from the date alone, in SITE_TIME_ZONE."""

    day = models.DateField(unique=True)
    theme = models.CharField(max_length=120)
    hint = models.CharField(max_length=300, blank=True)

    objects = ChallengeQuerySet.as_manager()


class ChallengeEntry(models.Model):
    challenge = models.ForeignKey(Challenge, on_delete=models.PROTECT, related_name="entries")
    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="challenge_entries")
    member = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="challenge_entries")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["challenge", "post"], name="challengeentry_once")]
