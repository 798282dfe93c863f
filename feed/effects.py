"""What a moderator's decision changes in the feed (see MODERATION_EFFECTS); runs inside the decision's transaction."""

from datetime import datetime, timedelta

from django.db import models, transaction

from accounts.models import User
from feed.challenges.models import ThemeIdea
from feed.collections.models import Collection, CollectionItem
from feed.comments.models import Comment
from feed.posts.models import Like, Post
from feed.posts.services import request_recount
from feed.posts.visibility import refresh_visibility
from feed.styles.models import StyleName
from generation.effects import apply as apply_to_picture
from generation.models import Image
from moderation.models import Decision, Restriction

Action = Decision.Action

LOOK_BACK = timedelta(hours=1)
"""How far `follow_restrictions` looks; longer than beat may ever be late."""


def apply(*, decision: Decision, target: models.Model) -> None:
    """Brings posts in line with a decision about a post, a picture or a member; about anything else it is silent."""
    at = decision.decided_at
    if isinstance(target, Post):
        _apply_to_post(decision, target, at)
    elif isinstance(target, Image):
        refresh_visibility(Post.objects.filter(image=target).values_list("pk", flat=True), at)
    elif isinstance(target, Comment):
        _apply_to_comment(decision, target, at)
    elif isinstance(target, Collection):
        Collection.objects.filter(pk=target.pk).update(removed_at=_removed(decision, target.removed_at, at))
    elif isinstance(target, ThemeIdea):
        ThemeIdea.objects.filter(pk=target.pk).update(removed_at=_removed(decision, target.removed_at, at))
    elif isinstance(target, StyleName):
        StyleName.objects.filter(pk=target.pk).update(removed_at=_removed(decision, target.removed_at, at))
    elif isinstance(target, User):
        _apply_to_member(target, at)


def _apply_to_post(decision: Decision, post: Post, at: datetime) -> None:
    """Removing takes the post down before its picture changes: a public picture is always a ready one."""
    if decision.action == Action.REMOVE:
        Post.objects.filter(pk=post.pk, removed_at=None).update(removed_at=at)
    elif decision.action == Action.APPROVE:
        Post.objects.filter(pk=post.pk).update(removed_at=None)
    if decision.action in {Action.REMOVE, Action.HOLD}:
        Image.objects.filter(pk=post.image_id).update(is_public=False)
    apply_to_picture(decision=decision, target=post.image)
    refresh_visibility([post.pk], at)


def _removed(decision: Decision, before: datetime | None, at: datetime) -> datetime | None:
    """When words were taken down, after the decision: they are held as they are removed."""
    if decision.action in {Action.REMOVE, Action.HOLD}:
        return before or at
    return None if decision.action == Action.APPROVE else before


def _apply_to_comment(decision: Decision, comment: Comment, at: datetime) -> None:
    Comment.objects.filter(pk=comment.pk).update(removed_at=_removed(decision, comment.removed_at, at))
    request_recount([comment.post_id])


def _apply_to_member(member: User, at: datetime) -> None:
    """A ban hides posts and comments; any restriction on voting takes the weight from votes and remixes."""
    refresh_visibility(Post.objects.filter(author=member, deleted_at=None).values_list("pk", flat=True), at)
    liked = Like.objects.filter(member=member).values_list("post_id", flat=True)
    remixed = Post.objects.filter(image__in=Post.objects.filter(author=member).values("image__generation__parent"))
    commented = Comment.objects.published().filter(author=member).values_list("post_id", flat=True)
    saved = CollectionItem.objects.filter(added_by=member).values_list("post_id", flat=True)
    touched = {*liked, *commented, *saved, *remixed.filter(deleted_at=None).values_list("pk", flat=True)}
    request_recount(touched)


def follow_restrictions(*, at: datetime) -> int:
    """What no decision announces: a ban that ran out shows its member's posts again, a mute that strikes brought
    takes the weight from their likes. Returns how many members were looked at.
    """
    turned = Restriction.objects.turned(at - LOOK_BACK, at).values("user_id")
    members = User.objects.filter(pk__in=turned, deleted_at=None)
    for member in members:
        with transaction.atomic():
            _apply_to_member(member, at)
    return len(members)
