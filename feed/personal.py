"""The feed's part of “download my data” and “delete my account” (see accounts.hooks)."""

from typing import Any

from django.utils import timezone

from accounts.models import User
from feed.models import ChallengeEntry, Like, Post, Profile, StaleCount
from feed.services import bury_posts

COVERED = frozenset(
    {
        "feed.Post.author",
        "feed.Post.image",
        "feed.Like.member",
        "feed.Profile.user",
        "feed.Profile.avatar",
        "feed.ChallengeEntry.member",
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
