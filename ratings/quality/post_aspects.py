"""The mean score of every aspect of a post, kept in `feed.PostAspect`, where lists sort by it."""

from collections.abc import Collection

from django.core.cache import cache
from django.db import transaction
from django.db.models import Avg, Count, Max, StdDev, Sum

from feed.models import PostAspect
from ratings.asking.models import Rating, RatingQuerySet
from ratings.quality.models import unflagged_ratings

PRIOR_ANSWERS = 5  # weight of the aspect's overall mean, in answers
SCALE_MIDDLE = 3.0
PRIOR_IS_KEPT = 600  # s
CHUNK = 1_000  # images a transaction
MARK = "ratings-aspects-mark"  # cache key of the last rating that was counted
OVERLAP = 1_000  # ids: transactions end in another order than their rows were numbered


def shrunken_mean(total: float, n: int, prior: float) -> float:
    """The mean of `n` answers adding up to `total`, pulled towards `prior` (all on 1…5)."""
    return (total + PRIOR_ANSWERS * prior) / (n + PRIOR_ANSWERS)


def refresh_new_ratings() -> int:
    """Refreshes the posts rated since the last call, or all if the mark is lost; returns how many images."""
    mark = cache.get(MARK) or 0
    newest = Rating.objects.aggregate(newest=Max("pk"))["newest"] or 0
    if newest == mark:
        return 0
    new = Rating.objects.filter(pk__gt=mark - OVERLAP, pk__lte=newest).order_by("image")
    images = list(new.values_list("image", flat=True).distinct())
    refresh_aspects_in_chunks(images=images)
    cache.set(MARK, newest, timeout=None)
    return len(images)


def refresh_aspects_in_chunks(*, images: list[int]) -> None:
    """Refreshes any number of images (ids), `CHUNK` of them a transaction."""
    for start in range(0, len(images), CHUNK):
        refresh_aspects(images=images[start : start + CHUNK])


@transaction.atomic
def refresh_aspects(*, images: Collection[int]) -> None:
    """Recomputes every aspect of the posts of `images` (ids); an aspect that nobody else rated is deleted."""
    priors = _priors()
    rows = (
        _counted_ratings()
        .filter(image__in=images, image__post__isnull=False)
        .values("image__post", "question__slug")
        .annotate(total=Sum("value"), n=Count("pk"), spread=StdDev("value"))
    )
    aspects = [
        PostAspect(
            post_id=row["image__post"],
            aspect=row["question__slug"],
            mean=shrunken_mean(row["total"], row["n"], priors.get(row["question__slug"], SCALE_MIDDLE)),
            n=row["n"],
            spread=float(row["spread"]),
        )
        for row in rows.order_by("image__post", "question__slug")  # one order of locks, so that two runs never deadlock
    ]
    kept = {(aspect.post_id, aspect.aspect) for aspect in aspects}
    before = PostAspect.objects.filter(post__image__in=images).values_list("pk", "post", "aspect")
    PostAspect.objects.filter(pk__in=[pk for pk, post, aspect in before if (post, aspect) not in kept]).delete()
    PostAspect.objects.bulk_create(
        aspects, update_conflicts=True, unique_fields=["post", "aspect"], update_fields=["mean", "n", "spread"]
    )


def _counted_ratings() -> RatingQuerySet:
    return unflagged_ratings(Rating.objects.by_others().scored())


def _priors() -> dict[str, float]:
    """The mean of each aspect over all pictures, recomputed every ten minutes."""
    priors: dict[str, float] | None = cache.get("ratings-aspect-priors")
    if priors is None:
        ratings = _counted_ratings().values_list("question__slug")
        priors = {slug: float(mean) for slug, mean in ratings.annotate(mean=Avg("value"))}
        cache.set("ratings-aspect-priors", priors, PRIOR_IS_KEPT)
    return priors
