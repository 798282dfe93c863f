"""Asking for likes, saves, remixes and comments of posts to be counted again; `feed.ranking.counters` does it."""

from collections.abc import Iterable

from feed.posts.models import Post, RecountRequest


def request_recount(post_ids: Iterable[int]) -> None:
    """These posts must be counted again; a deleted post has nothing to count."""
    posts = Post.objects.filter(pk__in=list(post_ids), deleted_at=None).order_by("pk").values_list("pk", flat=True)
    RecountRequest.objects.bulk_create([RecountRequest(post_id=pk) for pk in posts])


def request_parent_recount(post_ids: Iterable[int]) -> None:
    """Posts that these were remixed from must count their remixes again."""
    sources = Post.objects.filter(pk__in=list(post_ids)).values("image__generation__parent")
    parents = Post.objects.filter(image__in=sources, deleted_at=None)
    RecountRequest.objects.bulk_create([RecountRequest(post_id=pk) for pk in parents.values_list("pk", flat=True)])
