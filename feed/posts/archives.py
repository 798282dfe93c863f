"""A member's pictures for the download of their data, each with what our own API takes to make and hang it again."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from accounts.models import User
from feed.posts.export_formats import settings_of
from feed.posts.models import Post
from feed.tags.services import tags_of
from generation.media.storage import original_png
from generation.models import Image


def files_of(user: User) -> list[tuple[str, Callable[[], bytes]]]:
    """``pictures/<id>.png`` and beside each ``pictures/<id>.json``; the pictures are read when their turn comes."""
    made = Image.objects.kept().filter(author=user).exclude(prefix="").order_by("pk")
    posts = {post.image_id: post for post in Post.objects.filter(author=user, deleted_at=None)}
    files: list[tuple[str, Callable[[], bytes]]] = []
    for image in made.select_related("generation__checkpoint", "generation__style", "generation__source_image"):
        recipe = _recipe(image, posts.get(image.pk))
        files.append((f"pictures/{image.public_id}.json", partial(bytes, recipe)))
        files.append((f"pictures/{image.public_id}.png", partial(original_png, image)))
    return files


def _recipe(image: Image, post: Post | None) -> bytes:
    """`generation` is a body of POST /api/generations/; `post`, with the new image's id, one of POST /api/posts/."""
    publication: dict[str, Any] | None = None
    if post is not None:
        publication = {"title": post.title, "hide_prompt": image.is_prompt_hidden, "tags": tags_of(post)}
        if image.is_alt_written:
            publication["alt_text"] = image.alt_text
    recipe = settings_of(image, image.generation.source_image)
    record = {"image": image.public_id, "generation": recipe, "post": publication}
    return json.dumps(record, ensure_ascii=False, indent=2).encode()
