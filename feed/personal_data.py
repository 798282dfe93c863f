"""The feed's part of “download my data” and “delete my account” (see accounts.hooks)."""

from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from feed.challenges.models import ChallengeEntry, ThemeIdea, ThemeIdeaVote
from feed.collections.models import Collection, CollectionItem
from feed.comments.models import Comment
from feed.comments.services import blank_comments
from feed.members.models import Block, Follow, HiddenPost, Mute, Profile
from feed.notifications.models import NotificationSettings
from feed.polls.models import Poll, PollVote
from feed.posts.bulk_actions import export_files
from feed.posts.models import Like, Post, Reproduction
from feed.posts.services import clear_deleted_posts, request_recount
from feed.styles.models import StyleName, StyleNameLike

COVERED = frozenset(
    {
        "feed.Post.author",
        "feed.Post.image",
        "feed.Like.member",
        "feed.Profile.user",
        "feed.Profile.avatar",
        "feed.ChallengeEntry.member",
        "feed.Follow.member",
        "feed.Follow.followed",
        "feed.Block.member",
        "feed.Block.blocked",
        "feed.Mute.member",
        "feed.Mute.author",
        "feed.HiddenPost.member",
        "feed.Comment.author",
        "feed.Collection.owner",
        "feed.CollectionMember.member",
        "feed.CollectionItem.added_by",
        "feed.NotificationSettings.member",
        "feed.NotificationChoice.member",
        "feed.Reproduction.member",
        "feed.StyleName.suggested_by",
        "feed.StyleNameLike.member",
        "feed.ThemeIdea.proposed_by",
        "feed.ThemeIdeaVote.member",
        "feed.Poll.created_by",
        "feed.PollVote.member",
    }
)

__all__ = ["COVERED", "erase", "export", "export_files"]


def export(user: User) -> dict[str, Any]:
    return {
        "profile": Profile.objects.filter(user=user).values("display_name", "bio", "avatar__public_id").first(),
        "posts": list(
            Post.objects.filter(author=user)
            .order_by("pk")
            .values(
                "public_id", "image__public_id", "title", "published_at", "unpublished_at", "removed_at", "deleted_at"
            )
        ),
        "likes": list(Like.objects.filter(member=user).order_by("pk").values("post__public_id", "created_at")),
        **_challenges(user),
        **_comments_and_collections(user),
        "follows": list(Follow.objects.filter(member=user).order_by("pk").values("followed__username", "created_at")),
        "blocks": list(Block.objects.filter(member=user).order_by("pk").values("blocked__username", "created_at")),
        "mutes": list(
            Mute.objects.filter(member=user)
            .order_by("pk")
            .values("kind", "effect", "value", "author__username", "checkpoint__slug", "expires_at", "created_at")
        ),
        "style_names": list(
            StyleName.objects.filter(suggested_by=user).order_by("pk").values("style__public_id", "name", "created_at")
        ),
        "style_name_likes": list(
            StyleNameLike.objects.filter(member=user).order_by("pk").values("name__public_id", "created_at")
        ),
        "hidden_posts": list(
            HiddenPost.objects.filter(member=user).order_by("pk").values("post__public_id", "created_at")
        ),
    }


def _challenges(user: User) -> dict[str, Any]:
    return {
        "challenge_entries": list(
            ChallengeEntry.objects.filter(member=user)
            .order_by("pk")
            .values("challenge__day", "post__public_id", "place", "created_at")
        ),
        "theme_ideas": list(
            ThemeIdea.objects.filter(proposed_by=user).order_by("pk").values("public_id", "theme", "hint", "created_at")
        ),
        "theme_votes": list(
            ThemeIdeaVote.objects.filter(member=user).order_by("pk").values("idea__public_id", "created_at")
        ),
        "poll_votes": list(
            PollVote.objects.filter(member=user)
            .order_by("pk")
            .values("poll__public_id", "poll__question", "option__text", "created_at")
        ),
    }


def _comments_and_collections(user: User) -> dict[str, Any]:
    comments = Comment.objects.filter(author=user).order_by("pk")
    collections = Collection.objects.filter(owner=user).order_by("pk")
    saves = CollectionItem.objects.filter(added_by=user).order_by("pk")
    reproductions = Reproduction.objects.filter(member=user).order_by("pk")
    settings = NotificationSettings.objects.filter(member=user).values("digest", "digest_at").first()
    return {
        "comments": list(
            comments.values("public_id", "post__public_id", "text", "created_at", "edited_at", "deleted_at")
        ),
        "collections": list(collections.values("public_id", "name", "visibility", "created_at")),
        "saves": list(saves.values("collection__public_id", "post__public_id", "created_at")),
        "shared_with_you": list(user.shared_collections.order_by("pk").values("collection__public_id", "created_at")),
        "reproductions": list(reproductions.values("post__public_id", "generation__public_id", "created_at")),
        "notices": {
            "mail": settings,
            "kinds": list(user.notification_choices.order_by("kind").values("kind", "on_site", "by_mail")),
        },
    }


def erase(user: User) -> None:
    """Posts become blank tombstones; likes go, and what they weighed with them."""
    at = timezone.now()
    posts = list(Post.objects.filter(author=user, deleted_at=None).values_list("pk", flat=True))
    Post.objects.filter(pk__in=posts).update(deleted_at=at, title="")
    clear_deleted_posts(posts, at)
    likes = Like.objects.filter(member=user)
    request_recount(likes.values_list("post_id", flat=True))
    likes.delete()
    ChallengeEntry.objects.filter(member=user).delete()
    ThemeIdeaVote.objects.filter(member=user).delete()
    ThemeIdea.objects.filter(proposed_by=user).update(proposed_by=None)  # the theme stays, its author does not
    PollVote.objects.filter(member=user).delete()
    Poll.objects.filter(created_by=user).update(created_by=None)
    Profile.objects.filter(user=user).delete()
    Follow.objects.filter(Q(member=user) | Q(followed=user)).delete()
    Block.objects.filter(Q(member=user) | Q(blocked=user)).delete()
    Mute.objects.filter(Q(member=user) | Q(author=user)).delete()
    HiddenPost.objects.filter(member=user).delete()
    StyleNameLike.objects.filter(member=user).delete()
    StyleName.objects.filter(suggested_by=user).update(suggested_by=None)  # the name stays, its author does not
    _erase_comments_and_collections(user, at)


def _erase_comments_and_collections(user: User, at: datetime) -> None:
    """Comments become blank tombstones; collections and saves go, and what they weighed with them."""
    blank_comments(Comment.objects.filter(author=user).values_list("pk", flat=True), at)
    saves = CollectionItem.objects.filter(Q(added_by=user) | Q(collection__owner=user))
    request_recount(saves.values_list("post_id", flat=True))
    saves.delete()
    Collection.objects.filter(owner=user).delete()
    user.shared_collections.all().delete()
    user.notification_choices.all().delete()
    NotificationSettings.objects.filter(member=user).delete()
    Reproduction.objects.filter(member=user).delete()
