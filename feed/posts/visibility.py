"""Bringing what hangs in line with the truth: one address for every reason to show or hide a post.

Whoever changes a post, its picture's state or level, or a restriction of its author calls `sync_display`
in the same transaction. Lists re-check with `Post.objects.listed_for` anyway; this keeps the narrow tables,
the rows that search reads, `Image.is_public` and the prompt examples equal to it.
"""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery

from feed.lists.fast import anonymous_cache
from feed.models import FeedEntry, Post, StaleCount, StyledPost
from feed.search.indexing import sync_search
from generation.models import Image, ImageState, PromptExample
from lib.content_levels import ContentLevel
from moderation.models import Restriction

PASSED = Q(state=ImageState.READY, deleted_at=None)


def sync_display(post_ids: Iterable[int], at: datetime) -> int:
    """Recomputes what shows of these posts; touches only rows that differ, and returns how many entries did.

    Call inside a transaction.
    """
    ids = list(post_ids)
    _sync_pictures(ids)
    changed = _sync_entries(ids, at)
    _sync_prompt_examples(ids)
    _forget_hidden_styles(ids)
    anonymous_cache.invalidate()
    sync_search(ids, list(displayed(at).filter(pk__in=ids).values_list("pk", flat=True)))
    return changed


def _sync_pictures(ids: list[int]) -> None:
    images = Image.objects.filter(pk__in=Post.objects.filter(pk__in=ids).values("image"))
    hung = Q(Exists(Post.objects.hung().filter(image=OuterRef("pk"))))
    images.filter(hung & PASSED, is_public=False).update(is_public=True)
    images.filter(~(hung & PASSED), is_public=True).update(is_public=False)


def displayed(at: datetime) -> QuerySet[Post]:
    """Posts that somebody may see in a list, whatever the level."""
    banned = Restriction.objects.active(at).filter(kind=Restriction.Kind.BANNED).values("user_id")
    return Post.objects.hung().filter(image__is_public=True).exclude(author_id__in=banned)


def _sync_entries(ids: list[int], at: datetime) -> int:
    entries = FeedEntry.objects.filter(pk__in=ids).annotate(
        true_level=Subquery(Post.objects.filter(pk=OuterRef("pk")).values("image__content_level")),
        is_displayed=Exists(displayed(at).filter(pk=OuterRef("pk"))),
    )
    drifted = entries.exclude(is_visible=F("is_displayed"), content_level=F("true_level"))
    changed = list(drifted.values_list("pk", "is_visible", "is_displayed"))
    drifted.update(is_visible=F("is_displayed"), content_level=F("true_level"))
    mark_parents_stale([pk for pk, was, now in changed if was != now])
    return len(changed)


def _sync_prompt_examples(ids: list[int]) -> None:
    """Prompt expansion learns from visible, general posts whose prompt is not hidden, and forgets the others."""
    teaching = Image.objects.filter(
        post__in=ids, post__entry__is_visible=True, content_level=ContentLevel.GENERAL, is_prompt_hidden=False
    )
    PromptExample.objects.filter(image__post__in=ids).exclude(image__in=teaching).delete()
    PromptExample.objects.bulk_create(
        [PromptExample(image=image, prompt=image.generation.prompt) for image in teaching.select_related("generation")],
        ignore_conflicts=True,
    )


def _forget_hidden_styles(ids: list[int]) -> None:
    """A place in a style comes from the words of a prompt, so it tells about one that is hidden since."""
    StyledPost.objects.filter(pk__in=ids, post__image__is_prompt_hidden=True).delete()


def mark_stale(post_ids: Iterable[int]) -> None:
    """These posts must be counted again; a tombstone has nothing to count."""
    posts = Post.objects.filter(pk__in=list(post_ids), deleted_at=None).order_by("pk").values_list("pk", flat=True)
    StaleCount.objects.bulk_create([StaleCount(post_id=pk) for pk in posts])


def mark_parents_stale(post_ids: Iterable[int]) -> None:
    """Posts that these were remixed from must count their remixes again."""
    sources = Post.objects.filter(pk__in=list(post_ids)).values("image__generation__parent")
    parents = Post.objects.filter(image__in=sources, deleted_at=None)
    StaleCount.objects.bulk_create([StaleCount(post_id=pk) for pk in parents.values_list("pk", flat=True)])
