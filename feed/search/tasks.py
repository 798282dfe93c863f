"""What search does beside the site; `feed.tasks` makes Celery know it."""

from celery import shared_task

from feed.search import image_embeddings, text_indexing


@shared_task(name="feed.read_posts")
def read_posts(post_ids: list[int]) -> int:
    return text_indexing.read_entries(post_ids) + image_embeddings.read_pictures(post_ids)


@shared_task(name="feed.read_pending_posts")
def read_pending_posts() -> int:
    """What a lost message left unread."""
    return text_indexing.read_entries() + image_embeddings.read_pictures()


@shared_task(name="feed.relearn_words")
def relearn_words() -> None:
    from feed.search.indexing import relearn_words  # entries enqueues the tasks above

    relearn_words()
