"""Many of one's own posts at a time: taking them down, and downloading their originals."""

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Any

from django.utils import timezone
from django.utils.text import slugify

from accounts.models import User
from feed.posts.export_formats import settings_of
from feed.posts.models import Post
from feed.posts.services import unpublish_post
from feed.rates import check_member_rate
from feed.tags.services import tags_of
from generation.media import storage
from generation.models import Image, ImageState

File = tuple[str, Callable[[], bytes]]  # its name, and what reads it when its turn comes
MAX_AT_ONCE = 500  # taken down by one press
MAX_ORIGINALS = 2_000  # in one archive


def unpublish_posts(*, author: User, public_ids: Iterable[str], at: datetime | None = None) -> int:
    """Takes these posts of the author's down; others' and those that are down already are passed over.

    Returns how many were taken down: at most 500 at a time.

    Raises:
        Refused: 429 too often.
    """
    at = at or timezone.now()
    check_member_rate(author, "publish")
    wanted = list(dict.fromkeys(public_ids))[:MAX_AT_ONCE]
    posts = Post.objects.published().filter(author=author, public_id__in=wanted).order_by("pk")
    found = list(posts)
    for post in found:
        unpublish_post(post=post, author=author, at=at)
    return len(found)


def read_originals(*, author: User, public_ids: Iterable[str] = ()) -> list[File]:
    """The PNGs of the author's posts (all without ids), the newest first; 2,000 at most.

    The author gets what was drawn, with its parameters in the PNG. What moderators removed or hold is left out. The
    readers ask the store alone, never the database.

    Raises:
        Refused: 429 too often.
    """
    check_member_rate(author, "publish")
    own = Post.objects.filter(author=author, deleted_at=None, removed_at=None, image__state=ImageState.READY)
    wanted = list(dict.fromkeys(public_ids))
    chosen = own.filter(public_id__in=wanted) if wanted else own
    newest = chosen.select_related("image").order_by("-published_at", "-pk")[:MAX_ORIGINALS]
    return [(_name(post), partial(storage.original_png, post.image)) for post in newest]


def _name(post: Post) -> str:
    words = slugify(post.title)[:60]
    return f"{words}-{post.public_id}.png" if words else f"{post.public_id}.png"


def export_files(user: User) -> list[File]:
    """``pictures/<id>.png`` and beside each ``pictures/<id>.json``; the pictures are read when their turn comes."""
    made = Image.objects.kept().filter(author=user).exclude(prefix="").order_by("pk")
    posts = {post.image_id: post for post in Post.objects.filter(author=user, deleted_at=None)}
    files: list[File] = []
    for image in made.select_related("generation__checkpoint", "generation__style", "generation__source_image"):
        settings = _record(image, posts.get(image.pk))
        files.append((f"pictures/{image.public_id}.json", partial(bytes, settings)))
        files.append((f"pictures/{image.public_id}.png", partial(storage.original_png, image)))
    return files


def _record(image: Image, post: Post | None) -> bytes:
    """`generation` is a body of POST /api/generations/; `post`, with the new image's id, one of POST /api/posts/."""
    publication: dict[str, Any] | None = None
    if post is not None:
        publication = {"title": post.title, "hide_prompt": image.is_prompt_hidden, "tags": tags_of(post.pk)}
        if image.is_alt_written:
            publication["alt_text"] = image.alt_text
    settings = settings_of(image, image.generation.source_image)
    record = {"image": image.public_id, "generation": settings, "post": publication}
    return json.dumps(record, ensure_ascii=False, indent=2).encode()
