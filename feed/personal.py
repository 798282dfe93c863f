"""The feed's part of “download my data” and “delete my account” (see accounts.hooks)."""

from typing import Any

from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from feed.models import Block, ChallengeEntry, Follow, HiddenPost, Like, Mute, Post, Profile, StaleCount
from feed.services import bury_posts

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
    }
)


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
        "challenge_entries": list(
            ChallengeEntry.objects.filter(member=user)
            .order_by("pk")
            .values("challenge__day", "post__public_id", "created_at")
        ),
        "follows": list(Follow.objects.filter(member=user).order_by("pk").values("followed__username", "created_at")),
        "blocks": list(Block.objects.filter(member=user).order_by("pk").values("blocked__username", "created_at")),
        "mutes": list(
            Mute.objects.filter(member=user)
            .order_by("pk")
            .values("kind", "effect", "value", "author__username", "checkpoint__slug", "expires_at", "created_at")
        ),
        "hidden_posts": list(
            HiddenPost.objects.filter(member=user).order_by("pk").values("post__public_id", "created_at")
        ),
    }


def erase(user: User) -> None:
    """Posts become blank tombstones; likes go, and what they weighed with them."""
    at = timezone.now()
    posts = list(Post.objects.filter(author=user, deleted_at=None).values_list("pk", flat=True))
    Post.objects.filter(pk__in=posts).update(deleted_at=at, title="")
    bury_posts(posts, at)
    likes = Like.objects.filter(member=user)
    StaleCount.objects.bulk_create([StaleCount(post_id=post_id) for post_id in likes.values_list("post_id", flat=True)])
    likes.delete()
    ChallengeEntry.objects.filter(member=user).delete()
    Profile.objects.filter(user=user).delete()
    Follow.objects.filter(Q(member=user) | Q(followed=user)).delete()
    Block.objects.filter(Q(member=user) | Q(blocked=user)).delete()
    Mute.objects.filter(Q(member=user) | Q(author=user)).delete()
    HiddenPost.objects.filter(member=user).delete()
