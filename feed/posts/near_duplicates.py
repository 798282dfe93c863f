"""Pictures that belong together: variations of one generation, and pictures that look the same to PDQ."""

from datetime import datetime

from django.db.models import Count, Exists, F, IntegerField, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from pgvector.django import HammingDistance

from accounts.models import Viewer
from feed.posts.models import Post, PostQuerySet
from lib.images import LEAST_PDQ_QUALITY, NEAR_PDQ_DISTANCE, is_reliable

MAX_NEAR = 12
MAX_COMPARED = 1_000  # of the author's newest posts


def variations_of(post: Post, viewer: Viewer, at: datetime) -> list[Post]:
    """Other posts of the same generation, in the order they were drawn."""
    listed = Post.objects.listed_for(viewer, at).with_card(viewer, at).exclude(pk=post.pk)
    return list(listed.filter(image__generation=post.image.generation_id).order_by("image__position")[:MAX_NEAR])


def near_duplicates_of(post: Post, viewer: Viewer, at: datetime) -> list[Post]:
    """Other posts of the author that look the same to PDQ, the nearest first; none for a picture too plain for it."""
    if post.image.pdq is None or not is_reliable(post.image.pdq_quality):
        return []
    newest = Post.objects.published().filter(author=post.author_id).order_by("-published_at", "-pk")[:MAX_COMPARED]
    alike = (
        Post.objects.listed_for(viewer, at)
        .with_card(viewer, at)
        .filter(pk__in=newest.values("pk"), image__pdq_quality__gt=LEAST_PDQ_QUALITY)
        .exclude(image__generation=post.image.generation_id)
        .annotate(apart=HammingDistance("image__pdq", str(post.image.pdq)))
        .filter(apart__lte=NEAR_PDQ_DISTANCE)
    )
    return list(alike.order_by("apart", "-pk")[:MAX_NEAR])


def newest_variations(posts: PostQuerySet, viewer: Viewer, at: datetime) -> PostQuerySet:
    """Of each generation the newest post alone, with `variations`: how many further ones the viewer may see."""
    siblings = Post.objects.listed_for(viewer, at).filter(image__generation=OuterRef("image__generation"))
    newer = Q(published_at__gt=OuterRef("published_at")) | Q(
        published_at=OuterRef("published_at"), pk__gt=OuterRef("pk")
    )
    others = siblings.exclude(pk=OuterRef("pk")).order_by().annotate(one=F("image__generation"))
    count = Subquery(others.values("one").annotate(n=Count("pk")).values("n"), output_field=IntegerField())
    return posts.exclude(Exists(siblings.filter(newer))).annotate(variations=Coalesce(count, 0))


def collapse_near_duplicates(posts: list[Post]) -> list[Post]:
    """Of posts on one page that look the same to PDQ the first alone; `stack_count` says how many stand behind it.

    Takes posts of one author from `newest_variations`; what is left out shows on the page of the post that stays.
    """
    kept: list[tuple[Post, int | None]] = []
    for post in posts:
        bits = _bits(post)
        first = next((other for other, seen in kept if _is_near(bits, seen)), None)
        behind = 1 + int(post.__dict__.get("variations", 0))
        if first is None:
            post.stack_count = behind - 1
            kept.append((post, bits))
        else:
            first.stack_count += behind
    return [post for post, _bits in kept]


def _bits(post: Post) -> int | None:
    if post.image.pdq is None or not is_reliable(post.image.pdq_quality):
        return None
    return int(str(post.image.pdq), 2)


def _is_near(one: int | None, other: int | None) -> bool:
    return one is not None and other is not None and (one ^ other).bit_count() <= NEAR_PDQ_DISTANCE
