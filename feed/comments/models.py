"""Comments below posts."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.models import Role, User, Viewer
from feed.members.filters import LikeAny, muted_words
from feed.members.models import Mute
from feed.members.queries import blocked_authors
from feed.posts.models import Post
from lib.ids import PublicIdModel
from moderation.models import Restriction

DEEPEST = 3  # answers to an answer to an answer; deeper ones stand beside what they answer


class CommentQuerySet(models.QuerySet["Comment"]):
    def published(self) -> "CommentQuerySet":
        """Neither deleted by their author nor removed by moderators."""
        return self.filter(deleted_at=None, removed_at=None)

    def deletable_by(self, member: User) -> "CommentQuerySet":
        """One's own, and those of others below one's own posts."""
        return self.filter(Q(author=member) | Q(post__author=member))

    def readable_by(self, viewer: Viewer, at: datetime) -> "CommentQuerySet":
        """Of a post that `viewer` may open: comments by nobody banned, blocked or muted, without muted words."""
        if isinstance(viewer, User) and viewer.has_role(Role.MODERATOR):
            return self.filter(deleted_at=None)
        banned = Restriction.objects.banned(at).values("user_id")
        published = self.published().exclude(author_id__in=banned)
        if not isinstance(viewer, User):
            return published
        mutes = Mute.objects.active(at).filter(member=viewer.pk, effect=Mute.Effect.HIDE)
        muted = Q(author__in=mutes.filter(kind=Mute.Kind.AUTHOR).values("author"))
        muted |= Q(LikeAny("words", muted_words(mutes)))
        return published.exclude(blocked_authors(viewer)).exclude(muted & ~Q(author=viewer.pk))

    def visible_to(self, viewer: Viewer, at: datetime) -> "CommentQuerySet":
        """`readable_by`, wherever the post is."""
        return self.readable_by(viewer, at).filter(post__in=Post.objects.visible_to(viewer, at).order_by().values("pk"))


class Comment(PublicIdModel):
    """A comment below a post. A deleted one stays as a blank tombstone, so that its answers keep their position."""

    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="comments")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="comments")
    thread = models.ForeignKey("self", null=True, on_delete=models.CASCADE, related_name="replies")  # null: begins one
    parent = models.ForeignKey("self", null=True, on_delete=models.CASCADE, related_name="answers")
    depth = models.PositiveSmallIntegerField(default=0)
    text = models.TextField(max_length=2000, blank=True)
    words = models.TextField(blank=True, default="", db_default="")  # of the text, as muted words are cut
    created_at = models.DateTimeField()
    edited_at = models.DateTimeField(null=True)
    removed_at = models.DateTimeField(null=True)  # by moderation
    deleted_at = models.DateTimeField(null=True)

    objects = CommentQuerySet.as_manager()

    class Meta:
        verbose_name = _("comment")
        constraints = [
            models.CheckConstraint(
                name="comment_tombstone_is_blank",
                condition=Q(deleted_at=None) & ~Q(text="") | Q(deleted_at__isnull=False, text=""),
            ),
            models.CheckConstraint(
                name="comment_is_in_a_thread",
                condition=Q(depth=0, thread=None, parent=None)
                | Q(depth__range=(1, DEEPEST), thread__isnull=False, parent__isnull=False),
            ),
        ]
        indexes = [
            # a page of threads, the newest first
            models.Index(
                fields=["post", "-created_at", "-id"], name="comment_threads", condition=Q(thread__isnull=True)
            ),
            # the answers of a page's threads
            models.Index(fields=["thread", "created_at", "id"], name="comment_answers"),
        ]

    def __str__(self) -> str:
        return self.public_id

    def get_absolute_url(self) -> str:
        return reverse("feed:comment", args=[self.public_id])
