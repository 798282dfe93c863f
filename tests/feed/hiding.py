"""Every reason for which a post is hidden, and how it comes about."""

from collections.abc import Callable
from datetime import timedelta

from django.utils import timezone

from feed.posts import services as posts_services
from feed.posts.models import Post
from generation.models import Image, ImageState
from lib.content_levels import ContentLevel
from moderation.models import Restriction

NOW = timezone.now()


def hold(post: Post) -> None:
    Image.objects.filter(post=post).update(state=ImageState.HELD, is_public=False)


def reject(post: Post) -> None:
    Image.objects.filter(post=post).update(state=ImageState.REJECTED, is_public=False)


def unpublish(post: Post) -> None:
    posts_services.unpublish_post(post=post, author=post.author)


def remove(post: Post) -> None:
    Post.objects.filter(pk=post.pk).update(removed_at=NOW)


def delete(post: Post) -> None:
    posts_services.delete_post(post=post, author=post.author)


def raise_level(post: Post) -> None:
    Image.objects.filter(post=post).update(content_level=ContentLevel.MATURE)


def ban(post: Post) -> None:
    Restriction.objects.create(user=post.author, kind=Restriction.Kind.BANNED, starts_at=NOW - timedelta(minutes=1))


# reason -> who may still open the page of the post itself
REASONS: dict[str, tuple[Callable[[Post], None], set[str]]] = {
    "held": (hold, {"author", "mod"}),
    "rejected": (reject, {"mod"}),
    "unpublished": (unpublish, {"author", "mod"}),
    "removed": (remove, {"mod"}),
    "deleted": (delete, set()),
    "level": (raise_level, {"author", "mod"}),
    "banned author": (ban, {"author", "mod"}),
}
