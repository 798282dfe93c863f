"""One function for every reason to show or hide a post.

Whoever changes a post, its picture's state or level, or a restriction of its author calls `refresh_visibility` in the
same transaction. Lists check again with `Post.objects.listed_for` anyway; this keeps `Image.is_public`, the prompt
examples and whatever the hooks of POST_VISIBILITY_HOOKS keep (ranks, search, styles, caches) equal to the truth.
"""

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.db.models import Exists, OuterRef, Q

from feed.posts.models import Post
from feed.posts.words import refresh_words
from generation.models import Image, ImageState, PromptExample
from lib.content_levels import ContentLevel
from lib.hooks import load_functions

SCREENED = Q(state=ImageState.READY, deleted_at=None)


def refresh_visibility(post_ids: Iterable[int], at: datetime) -> None:
    """Brings everything that depends on whether these posts are visible in line with the posts.

    Writes only rows that differ. Call inside a transaction.
    """
    ids = list(post_ids)
    refresh_words(ids)
    _refresh_pictures(ids)
    _refresh_prompt_examples(ids, at)
    for hook in load_functions(settings.POST_VISIBILITY_HOOKS):
        hook(ids, at)


def _refresh_pictures(ids: list[int]) -> None:
    images = Image.objects.filter(pk__in=Post.objects.filter(pk__in=ids).values("image"))
    published = Q(Exists(Post.objects.published().filter(image=OuterRef("pk"))))
    images.filter(published & SCREENED, is_public=False).update(is_public=True)
    images.filter(~(published & SCREENED), is_public=True).update(is_public=False)


def _refresh_prompt_examples(ids: list[int], at: datetime) -> None:
    """Prompt expansion learns from public, general posts whose prompt is not hidden, and forgets the others."""
    public = Post.objects.public(at).filter(pk__in=ids)
    examples = Image.objects.filter(
        pk__in=public.values("image"), content_level=ContentLevel.GENERAL, is_prompt_hidden=False
    )
    PromptExample.objects.filter(image__post__in=ids).exclude(image__in=examples).delete()
    PromptExample.objects.bulk_create(
        [PromptExample(image=image, prompt=image.generation.prompt) for image in examples.select_related("generation")],
        ignore_conflicts=True,
    )
