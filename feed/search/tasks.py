"""What search does beside the site; `feed.tasks` makes Celery know it."""

from celery import shared_task

from feed.search import looks, meaning


@shared_task(name="feed.read_posts")
def read_posts(post_ids: list[int]) -> int:
    return meaning.read_entries(post_ids) + looks.read_pictures(post_ids)


@shared_task(name="feed.read_pending_posts")
def read_pending_posts() -> int:
    """What a lost message left unread."""
    return meaning.read_entries() + looks.read_pictures()


@shared_task(name="feed.relearn_words")
def relearn_words() -> None:
    from feed.search.entries import relearn_words  # entries enqueues the tasks above

    relearn_words()
