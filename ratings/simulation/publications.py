"""Requests, publishes and enters the pictures of a simulated community. Idempotent."""

import contextlib
from collections.abc import Callable
from datetime import timedelta

from feed.challenges.services import enter_challenge
from feed.challenges.themes.calendar import schedule_challenges
from feed.models import Challenge, Post
from feed.posts.services import publish_image
from generation.models import Checkpoint, Generation, Image, ImageState
from generation.services import submit_generation
from lib.days import day_bounds, local_day
from lib.errors import Refused
from ratings.simulation.scenario import PER_GENERATION, PlannedGeneration
from ratings.simulation.state import Simulation

Progress = Callable[[int], None]
ENTRIES = 16  # newest posts of a day considered for its challenge
ENTRIES_OF_ONE = 2


def submit(simulation: Simulation, plans: list[PlannedGeneration], progress: Progress) -> list[int]:
    """Submits the generations and returns their ids. A remix whose original is gone is skipped."""
    made = simulation.generations(simulation.scenario.plans)
    ids = []
    for plan in plans:
        generation = made.get(plan.number) or _ask(simulation, plan, made)
        if generation is not None:
            ids.append(generation.pk)
        progress(1)
    return ids


def _ask(simulation: Simulation, plan: PlannedGeneration, made: dict[int, Generation]) -> Generation | None:
    parent = None
    if plan.remix_of is not None:
        origins = Image.objects.public(simulation.end).filter(generation=made.get(plan.remix_of))
        parent = origins.order_by("position").first()
        if parent is None:
            return None
    style = f"starter-{plan.style}"
    has_style = Checkpoint.objects.filter(slug=simulation.checkpoint, styles__slug=style).exists()
    return submit_generation(
        author=simulation.members[plan.persona],
        prompt=plan.prompt,
        checkpoint=simulation.checkpoint,
        idempotency_key=simulation.key(plan),
        count=PER_GENERATION,
        seed=plan.seed,
        style=style if has_style else "",
        parent=parent,
        remix_kind=plan.remix_kind,
        confirm_doubtful=True,
        at=simulation.at(plan),
    )


def publish(simulation: Simulation, plans: list[PlannedGeneration], progress: Progress) -> None:
    made = simulation.generations(plans)
    for plan in plans:
        ready = Image.objects.filter(generation=made.get(plan.number), state=ImageState.READY, deleted_at=None)
        for image in ready.order_by("position")[: plan.publishes]:
            if not Post.objects.filter(image=image).exists():
                at = min(simulation.at(plan) + timedelta(minutes=4 + 3 * image.position), simulation.end)
                publish_image(image=image, author=simulation.members[plan.persona], at=at)
            progress(1)


def enter_challenges(simulation: Simulation) -> None:
    """Enters pictures into the challenge of the day they were made on."""
    today = local_day(simulation.end)
    oldest = max((plan.ago for plan in simulation.scenario.plans), default=timedelta())
    first = local_day(simulation.end - oldest)
    schedule_challenges(today=first, days=(today - first).days)
    schedule_challenges(today=today)
    made = simulation.generations(simulation.scenario.plans).values()
    posts = Post.objects.published().filter(image__generation__in=made, image__is_public=True)
    for challenge in Challenge.objects.filter(day__range=(first, today), closed_at=None).order_by("day"):
        start, end = day_bounds(challenge.day)
        of_day = posts.filter(published_at__gte=start, published_at__lt=end)
        for post in of_day.select_related("image__generation", "author").order_by("-published_at", "pk")[:ENTRIES]:
            if challenge.entries.filter(member=post.author).count() >= ENTRIES_OF_ONE:
                continue
            with contextlib.suppress(Refused):  # made on the day before, or one that looks the same is in
                enter_challenge(challenge=challenge, post=post, member=post.author, at=post.published_at)
