"""What others think of a post, aspect by aspect, written down to `feed.PostAspect` where sorts read it."""

from collections.abc import Collection

from django.core.cache import cache
from django.db import transaction
from django.db.models import Avg, Count, Max, StdDev, Sum

from feed.models import PostAspect
from ratings.models import Rating

PRIOR_ANSWERS = 5  # a post's mean is pulled towards the aspect's as by so many average answers
SCALE_MIDDLE = 3.0
PRIOR_IS_KEPT = 600  # s
CHUNK = 1_000  # images a transaction
MARK = "ratings-aspects-mark"  # the last rating that was folded
OVERLAP = 1_000  # ids: transactions end in another order than their rows were numbered


def shrunken_mean(total: float, n: int, prior: float) -> float:
    """The mean of `n` answers adding up to `total`, pulled towards `prior` (all on 1…5)."""
    return (total + PRIOR_ANSWERS * prior) / (n + PRIOR_ANSWERS)


def refresh_new_ratings() -> int:
    """Folds what was rated since the last time, everything if that is forgotten; returns how many images."""
    mark = cache.get(MARK) or 0
    newest = Rating.objects.aggregate(newest=Max("pk"))["newest"] or 0
    if newest == mark:
        return 0
    new = Rating.objects.filter(pk__gt=mark - OVERLAP, pk__lte=newest).order_by("image")
    images = list(new.values_list("image", flat=True).distinct())
    for start in range(0, len(images), CHUNK):
        refresh_aspects(images=images[start : start + CHUNK])
    cache.set(MARK, newest, timeout=None)
    return len(images)


@transaction.atomic
def refresh_aspects(*, images: Collection[int]) -> None:
    """Recomputes every aspect of the posts of `images` (ids) from the answers; what nobody else rated goes."""
    priors = _priors()
    told = Rating.objects.by_others().told().unflagged().filter(image__in=images, image__post__isnull=False)
    rows = told.values("image__post", "question__slug").annotate(
        total=Sum("value"), n=Count("pk"), spread=StdDev("value")
    )
    aspects = [
        PostAspect(
            post_id=row["image__post"],
            aspect=row["question__slug"],
            mean=shrunken_mean(row["total"], row["n"], priors.get(row["question__slug"], SCALE_MIDDLE)),
            n=row["n"],
            spread=float(row["spread"]),
        )
        for row in rows.order_by("image__post", "question__slug")  # one order of locks, so that two runs never clash
    ]
    kept = {(aspect.post_id, aspect.aspect) for aspect in aspects}
    before = PostAspect.objects.filter(post__image__in=images).values_list("pk", "post", "aspect")
    PostAspect.objects.filter(pk__in=[pk for pk, post, aspect in before if (post, aspect) not in kept]).delete()
    PostAspect.objects.bulk_create(
        aspects, update_conflicts=True, unique_fields=["post", "aspect"], update_fields=["mean", "n", "spread"]
    )


def _priors() -> dict[str, float]:
    """The mean of each aspect over all pictures; counted anew every ten minutes, for it moves slowly."""
    priors: dict[str, float] | None = cache.get("ratings-aspect-priors")
    if priors is None:
        told = Rating.objects.by_others().told().unflagged().values_list("question__slug")
        priors = {slug: float(mean) for slug, mean in told.annotate(mean=Avg("value"))}
        cache.set("ratings-aspect-priors", priors, PRIOR_IS_KEPT)
    return priors
