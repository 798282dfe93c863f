"""One function for every reason to show or hide a post.

Whoever changes a post, its picture's state or level, or a restriction of its author calls `refresh_visibility` in the
same transaction. Lists check again with `Post.objects.listed_for` anyway; this keeps `Image.is_public`, the prompt
examples and whatever the hooks of POST_VISIBILITY_HOOKS keep (ranks, search, styles, caches) equal to the truth.
"""

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.db import connection
from django.db.models import Exists, OuterRef, Q

from feed.posts.models import Post, PostWords
from generation.models import Image, ImageState, PromptExample
from lib.content_levels import ContentLevel
from lib.hooks import load_functions
from lib.text import TOKENISER, cut_parts

# Posts whose title, tags or prompt changed since their words were cut.
_CHANGED = """
    SELECT post.id, post.title, tags.names, made.prompt, image.is_prompt_hidden, text.source
    FROM feed_post post JOIN generation_image image ON image.id = post.image_id
    JOIN generation_generation made ON made.id = image.generation_id
    CROSS JOIN LATERAL (SELECT coalesce(array_agg(tag.name ORDER BY tag.name), '{}') AS names FROM feed_posttag tagged
                        JOIN feed_tag tag ON tag.id = tagged.tag_id WHERE tagged.post_id = post.id) tags
    CROSS JOIN LATERAL (SELECT md5(jsonb_build_array(post.title, tags.names, made.prompt,
                                                     image.is_prompt_hidden)::text)::uuid AS source) text
    LEFT JOIN feed_postwords words ON words.post_id = post.id
    WHERE post.id = ANY(%(posts)s) AND post.deleted_at IS NULL
      AND (words.source, words.version) IS DISTINCT FROM (text.source, %(version)s::smallint)
"""
SCREENED = Q(state=ImageState.READY, deleted_at=None)


def refresh_visibility(post_ids: Iterable[int], at: datetime) -> None:
    """Brings everything that depends on whether these posts are visible in line with the posts.

    Writes only rows that differ. Call inside a transaction.
    """
    ids = list(post_ids)
    _refresh_words(ids)
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


def _refresh_words(ids: list[int]) -> None:
    """Cuts those of the posts again whose texts changed, and forgets the words of deleted ones."""
    PostWords.objects.filter(post__in=ids).exclude(post__deleted_at=None).delete()
    with connection.cursor() as cursor:
        cursor.execute(_CHANGED, {"posts": ids, "version": TOKENISER})
        changed = cursor.fetchall()
    rows = []
    for post_id, title, tags, prompt, is_hidden, source in changed:
        readable = [title, *tags] if is_hidden else [title, *tags, prompt]
        hidden = [prompt] if is_hidden else []
        words = {"readable": cut_parts(readable), "hidden": cut_parts(hidden)}
        rows.append(PostWords(post_id=post_id, source=source, version=TOKENISER, **words))
    PostWords.objects.bulk_create(
        rows,
        batch_size=500,
        update_conflicts=True,
        unique_fields=["post"],
        update_fields=["readable", "hidden", "source", "version"],
    )
