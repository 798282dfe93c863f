"""Keeps the rows of the ranking in line with the posts (POST_VISIBILITY_HOOKS and POST_DELETION_HOOKS)."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Exists, F, OuterRef, Subquery

from feed.posts.models import Post
from feed.posts.services import request_parent_recount
from feed.ranking import formulas
from feed.ranking.models import FeedEntry, PostAspect, PostCount, PostHourlyStats, PrecomputedEntry, RankDrop


def refresh_entries(post_ids: Sequence[int], at: datetime) -> None:
    """Gives new posts their rows, and every entry the visibility and the level of its post.

    Writes only rows that differ. Call inside a transaction.
    """
    _add_missing(post_ids)
    entries = FeedEntry.objects.filter(pk__in=post_ids).annotate(
        true_level=Subquery(Post.objects.filter(pk=OuterRef("pk")).values("image__content_level")),
        is_public=Exists(Post.objects.public(at).filter(pk=OuterRef("pk"))),
    )
    changed = entries.exclude(is_visible=F("is_public"), content_level=F("true_level"))
    turned = [pk for pk, was, now in changed.values_list("pk", "is_visible", "is_public") if was != now]
    changed.update(is_visible=F("is_public"), content_level=F("true_level"))
    request_parent_recount(turned)


def _add_missing(post_ids: Sequence[int]) -> None:
    new = Post.objects.filter(pk__in=post_ids, entry=None, deleted_at=None).select_related("image__generation")
    posts = list(new.order_by("pk"))
    PostCount.objects.bulk_create([PostCount(post=post) for post in posts], ignore_conflicts=True)
    FeedEntry.objects.bulk_create([_hidden_entry(post) for post in posts], ignore_conflicts=True)


def _hidden_entry(post: Post) -> FeedEntry:
    return FeedEntry(
        post=post,
        author_id=post.author_id,
        checkpoint_id=post.image.generation.checkpoint_id,
        content_level=post.image.content_level,
        published_at=post.published_at,
        hot=formulas.hot(0, post.published_at),
        is_visible=False,
    )


def delete_entries(post_ids: Sequence[int]) -> None:
    """Deletes ranks, counts and ratings of deleted posts. Call inside the transaction that deleted them."""
    for model in (FeedEntry, PostCount, RankDrop, PrecomputedEntry, PostHourlyStats, PostAspect):
        model._default_manager.filter(post__in=post_ids).delete()
