"""What runs beside the site: closing asks that ran out, and folding answers into what posts show."""

from celery import shared_task

from ratings import aspects, services


@shared_task(name="ratings.expire_asks")
def expire_asks() -> None:
    services.expire_asks()


@shared_task(name="ratings.refresh_aspects")
def refresh_aspects() -> None:
    aspects.refresh_new_ratings()


@shared_task(name="ratings.refresh_aspects_of")
def refresh_aspects_of(images: list[int]) -> None:
    """Recomputes the posts of some images (ids), after answers were taken away."""
    for start in range(0, len(images), aspects.CHUNK):
        aspects.refresh_aspects(images=images[start : start + aspects.CHUNK])
