"""Many of one's own posts at a time: taking them down, and taking the originals home."""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial

from django.http import StreamingHttpResponse
from django.utils import timezone
from django.utils.text import slugify

from accounts.models import User
from feed.posts import services as posts_services
from feed.posts.models import Post
from generation.media import storage
from generation.models import ImageState
from lib.http import download, zip_files

MOST_AT_ONCE = 500  # taken down by one press
MOST_ORIGINALS = 2_000  # in one archive


def unpublish_posts(*, author: User, public_ids: Iterable[str], at: datetime | None = None) -> int:
    """Takes these posts of the author's down; others' and those that are down already are passed over.

    Returns how many were taken down: at most 500 at a time.
    """
    at = at or timezone.now()
    wanted = list(dict.fromkeys(public_ids))[:MOST_AT_ONCE]
    posts = Post.objects.published().filter(author=author, public_id__in=wanted).order_by("pk")
    found = list(posts)
    for post in found:
        posts_services.unpublish_post(post=post, author=author, at=at)
    return len(found)


def originals_archive(member: User, wanted: Iterable[str] = ()) -> StreamingHttpResponse:
    """A ZIP of the member's originals, all where `wanted` is empty, written while it is sent."""
    return download(f"{member.username}-originals.zip", zip_files(originals_of(author=member, public_ids=wanted)))


def originals_of(*, author: User, public_ids: Iterable[str] = ()) -> list[tuple[str, Callable[[], bytes]]]:
    """Names and readers of the PNGs behind the author's posts (all without ids), the newest first; 2,000 at most.

    The maker gets what was drawn, recipe and all. What moderators removed or hold is left out. The readers ask the
    store alone, never the database.
    """
    own = Post.objects.filter(author=author, deleted_at=None, removed_at=None, image__state=ImageState.READY)
    wanted = list(dict.fromkeys(public_ids))
    chosen = own.filter(public_id__in=wanted) if wanted else own
    newest = chosen.select_related("image").order_by("-published_at", "-pk")[:MOST_ORIGINALS]
    return [(_name(post), partial(storage.original_png, post.image)) for post in newest]


def _name(post: Post) -> str:
    words = slugify(post.title)[:60]
    return f"{words}-{post.public_id}.png" if words else f"{post.public_id}.png"
