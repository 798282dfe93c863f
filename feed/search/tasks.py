"""Celery tasks of search."""

from celery import shared_task

from feed.search.embeddings import indexing
from feed.search.suggestions import typos


@shared_task(name="feed.read_posts")
def embed_posts(post_ids: list[int]) -> int:
    return indexing.embed_texts(post_ids) + indexing.embed_images(post_ids)


@shared_task(name="feed.read_pending_posts")
def embed_pending_posts() -> int:
    """Catches up on posts whose message was lost."""
    return indexing.embed_texts() + indexing.embed_images()


@shared_task(name="feed.relearn_words")
def relearn_words() -> None:
    typos.relearn_words()
