"""Keeps the words of posts, which mutes and search compare, equal to their texts."""

from collections.abc import Iterable

from django.db import connection

from feed.posts.models import PostWords
from lib.text import TOKENISER, words_of

BAR = "|"  # parts what a phrase must not reach across
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


def refresh_words(post_ids: Iterable[int]) -> None:
    """Cuts those of the posts again whose title, tags or prompt changed, and forgets the words of deleted ones.

    Call inside the transaction of the change (`refresh_visibility` does).
    """
    ids = list(post_ids)
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


def cut_parts(texts: Iterable[str]) -> str:
    """The words of several texts: ``| the red fox | night sky |``; empty without a word."""
    parts = [" ".join(words) for words in map(words_of, texts) if words]
    return f"{BAR} {f' {BAR} '.join(parts)} {BAR}" if parts else ""
