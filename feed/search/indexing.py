"""Keeps the search index in line with what is visible."""

from collections.abc import Collection
from datetime import datetime

from django.db import connection

from feed.posts.models import Post
from feed.search import tasks
from feed.search.models import SearchEntry
from feed.search.suggestions import typos
from lib.images import LEAST_PDQ_QUALITY

# What everybody may read of a post. A row keeps its embedding while its text stays; rows without a change are left.
_UPSERT = """
    INSERT INTO feed_searchentry (post_id, author_id, checkpoint_id, style_id, seed, published_at, content_level,
                                  is_prompt_hidden, text, pdq, lexemes)
    SELECT post.id, post.author_id, made.checkpoint_id, made.style_id, image.seed, post.published_at,
           image.content_level, image.is_prompt_hidden,
           concat_ws(E'\n', nullif(post.title, ''), tags.names,
                     CASE WHEN NOT image.is_prompt_hidden THEN nullif(made.prompt, '') END),
           CASE WHEN image.pdq_quality > %(least_quality)s THEN image.pdq END, salon_lexemes(words.readable)
    FROM feed_post post JOIN generation_image image ON image.id = post.image_id
    JOIN generation_generation made ON made.id = image.generation_id
    JOIN feed_postwords words ON words.post_id = post.id
    LEFT JOIN LATERAL (SELECT string_agg(tag.name, ' ' ORDER BY tag.name) AS names FROM feed_posttag tagged
                       JOIN feed_tag tag ON tag.id = tagged.tag_id WHERE tagged.post_id = post.id) tags ON true
    WHERE post.id = ANY(%(posts)s)
    ON CONFLICT (post_id) DO UPDATE SET
        content_level = excluded.content_level, is_prompt_hidden = excluded.is_prompt_hidden, text = excluded.text,
        pdq = excluded.pdq, lexemes = excluded.lexemes,
        meaning = CASE WHEN feed_searchentry.text = excluded.text THEN feed_searchentry.meaning END
    WHERE (feed_searchentry.content_level, feed_searchentry.is_prompt_hidden, feed_searchentry.text)
          IS DISTINCT FROM (excluded.content_level, excluded.is_prompt_hidden, excluded.text)
       OR feed_searchentry.pdq IS DISTINCT FROM excluded.pdq
       OR feed_searchentry.lexemes IS DISTINCT FROM excluded.lexemes
    RETURNING post_id
"""


def refresh_search(post_ids: Collection[int], at: datetime) -> None:
    """Writes the rows of the public ones of these posts and deletes the rows of the others (POST_VISIBILITY_HOOKS).

    Runs inside a transaction. Whoever changes a title, tags or whether a prompt is hidden calls
    `feed.posts.visibility.refresh_visibility`, which calls this.
    """
    visible = list(Post.objects.public(at).filter(pk__in=post_ids).values_list("pk", flat=True))
    SearchEntry.objects.filter(pk__in=set(post_ids) - set(visible)).delete()
    if not visible:
        return
    with connection.cursor() as cursor:
        cursor.execute(_UPSERT, {"posts": sorted(visible), "least_quality": LEAST_PDQ_QUALITY})
        changed = [post_id for (post_id,) in cursor.fetchall()]
    if changed:
        typos.learn_words(changed)
        tasks.embed_posts.delay_on_commit(changed)  # type: ignore[attr-defined]  # not in celery-types yet
