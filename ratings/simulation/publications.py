"""Pictures of a simulated community: asked for, drawn, published, entered. Each step done before is left alone."""

from collections.abc import Callable
from datetime import timedelta

from feed.challenges.services import schedule_challenges
from feed.models import Challenge, Post
from feed.posts.services import enter_challenge, publish_image
from generation.models import Generation, Image, ImageState
from generation.services import submit_generation
from lib.days import local_day
from ratings.simulation.script import PER_GENERATION, Wish
from ratings.simulation.stage import Stage

Progress = Callable[[int], None]
ENTRIES = 16  # posts that are looked at for a challenge, the newest
ENTRIES_OF_ONE = 2


def submit(stage: Stage, wishes: list[Wish], progress: Progress) -> list[int]:
    """Asks for the pictures; returns the ids of the generations. A remix whose origin is gone is not made."""
    made = stage.generations(stage.script.wishes)
    ids = []
    for wish in wishes:
        generation = made.get(wish.number) or _ask(stage, wish, made)
        if generation is not None:
            ids.append(generation.pk)
        progress(1)
    return ids


def _ask(stage: Stage, wish: Wish, made: dict[int, Generation]) -> Generation | None:
    parent = None
    if wish.remix_of is not None:
        origins = Image.objects.public(stage.end).filter(generation=made.get(wish.remix_of))
        parent = origins.order_by("position").first()
        if parent is None:
            return None
    return submit_generation(
        author=stage.members[wish.persona],
        prompt=wish.prompt,
        checkpoint=stage.checkpoint,
        idempotency_key=stage.key(wish),
        count=PER_GENERATION,
        seed=wish.seed,
        parent=parent,
        remix_kind=wish.remix_kind,
        confirm_doubtful=True,
        at=stage.at(wish),
    )


def publish(stage: Stage, wishes: list[Wish], progress: Progress) -> None:
    made = stage.generations(wishes)
    for wish in wishes:
        ready = Image.objects.filter(generation=made.get(wish.number), state=ImageState.READY, deleted_at=None)
        for image in ready.order_by("position")[: wish.publishes]:
            if not Post.objects.filter(image=image).exists():
                at = min(stage.at(wish) + timedelta(minutes=4 + 3 * image.position), stage.end)
                publish_image(image=image, author=stage.members[wish.persona], at=at)
            progress(1)


def enter_challenges(stage: Stage) -> None:
    """Enters pictures into the challenge of the day they were made on, within its rules."""
    today = local_day(stage.end)
    oldest = max((wish.ago for wish in stage.script.wishes), default=timedelta())
    first = local_day(stage.end - oldest)
    schedule_challenges(today=first, days=(today - first).days)
    schedule_challenges(today=today)
    made = stage.generations(stage.script.wishes).values()
    posts = Post.objects.published().filter(image__generation__in=made, image__is_public=True)
    for post in posts.select_related("image__generation", "author").order_by("-published_at", "pk")[:ENTRIES]:
        challenge = Challenge.objects.current(post.published_at).first()
        made_on = local_day(post.image.generation.submitted_at)
        if challenge is None or challenge.day != made_on:
            continue
        if challenge.entries.filter(member=post.author).count() < ENTRIES_OF_ONE:
            enter_challenge(challenge=challenge, post=post, member=post.author, at=post.published_at)
