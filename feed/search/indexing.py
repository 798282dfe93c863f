"""Keeping the rows that search reads in line with what shows."""

from collections.abc import Collection
from datetime import datetime

from django.db import connection, transaction

from feed.posts.models import Post
from feed.search.models import SearchEntry
from feed.search.tasks import read_posts
from lib.images import LEAST_PDQ_QUALITY

# What everybody may read of a post. A row whose text stays keeps its meaning; rows that differ in nothing are left.
_SYNC = """
    INSERT INTO feed_searchentry (post_id, author_id, checkpoint_id, style_id, seed, published_at, content_level,
                                  is_prompt_hidden, text, pdq)
    SELECT post.id, post.author_id, made.checkpoint_id, made.style_id, image.seed, post.published_at,
           image.content_level, image.is_prompt_hidden,
           concat_ws(E'\n', nullif(post.title, ''), tags.names,
                     CASE WHEN NOT image.is_prompt_hidden THEN nullif(made.prompt, '') END),
           CASE WHEN image.pdq_quality > %(least_quality)s THEN image.pdq END
    FROM feed_post post JOIN generation_image image ON image.id = post.image_id
    JOIN generation_generation made ON made.id = image.generation_id
    LEFT JOIN LATERAL (SELECT string_agg(tag.name, ' ' ORDER BY tag.name) AS names FROM feed_posttag tagging
                       JOIN feed_tag tag ON tag.id = tagging.tag_id WHERE tagging.post_id = post.id) tags ON true
    WHERE post.id = ANY(%(posts)s)
    ON CONFLICT (post_id) DO UPDATE SET
        content_level = excluded.content_level, is_prompt_hidden = excluded.is_prompt_hidden, text = excluded.text,
        pdq = excluded.pdq,
        meaning = CASE WHEN feed_searchentry.text = excluded.text THEN feed_searchentry.meaning END
    WHERE (feed_searchentry.content_level, feed_searchentry.is_prompt_hidden, feed_searchentry.text)
          IS DISTINCT FROM (excluded.content_level, excluded.is_prompt_hidden, excluded.text)
       OR feed_searchentry.pdq IS DISTINCT FROM excluded.pdq
    RETURNING post_id
"""
# Ordered, so that two of these never wait for each other.
_USED = """
    SELECT word, min(content_level) FROM feed_searchentry,
           LATERAL unnest(tsvector_to_array(to_tsvector('salon_plain', text))) word
    WHERE length(word) BETWEEN 4 AND 40
"""
_LEARN_WORDS = f"""
    INSERT INTO feed_searchword (word, level) {_USED} AND post_id = ANY(%(posts)s) GROUP BY word ORDER BY word
    ON CONFLICT (word) DO UPDATE SET level = excluded.level WHERE feed_searchword.level > excluded.level
"""


def refresh_search(post_ids: Collection[int], at: datetime) -> None:
    """Gives the public ones of these posts their row and takes it from the others (POST_VISIBILITY_HOOKS).

    Call inside a transaction; `feed.posts.visibility.refresh_visibility` does, and whoever changes a title, tags or
    whether a prompt is hidden calls that.
    """
    shown = list(Post.objects.public(at).filter(pk__in=post_ids).values_list("pk", flat=True))
    SearchEntry.objects.filter(pk__in=set(post_ids) - set(shown)).delete()
    if not shown:
        return
    with connection.cursor() as cursor:
        cursor.execute(_SYNC, {"posts": sorted(shown), "least_quality": LEAST_PDQ_QUALITY})
        changed = [post_id for (post_id,) in cursor.fetchall()]
        if changed:
            cursor.execute(_LEARN_WORDS, {"posts": changed})
    if changed:
        read_posts.delay_on_commit(changed)  # type: ignore[attr-defined]  # DjangoTask, not yet in celery-types


@transaction.atomic
def relearn_words() -> None:
    """Forgets words that no text uses any more, and raises levels that nothing low uses any more."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE used (word text PRIMARY KEY, level int) ON COMMIT DROP")
        cursor.execute(f"INSERT INTO used {_USED} GROUP BY word")
        cursor.execute("DELETE FROM feed_searchword WHERE word NOT IN (SELECT word FROM used)")
        cursor.execute(
            "UPDATE feed_searchword known SET level = used.level FROM used"
            " WHERE used.word = known.word AND used.level <> known.level"
        )
