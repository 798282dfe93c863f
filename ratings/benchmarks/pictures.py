"""Pictures that the site asks its own queue for: of benchmarks, and of researchers' campaigns."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from accounts.models import User
from generation.models import PENDING, Checkpoint, Image, ImageState
from generation.services import submit_generation
from lib.errors import Refused
from ratings.benchmarks.models import PlannedPicture

Planned = TypeVar("Planned", bound=PlannedPicture)


def ask_for_picture(
    picture: PlannedPicture, *, key: str, checkpoint: Checkpoint, size: tuple[int, int], author: User
) -> int:
    """The id of the generation; the same key asked for twice is one."""
    width, height = size
    return submit_generation(
        author=author,
        idempotency_key=key,
        prompt=picture.prompt.text,
        checkpoint=checkpoint.slug,
        count=1,
        seed=picture.seed,
        width=width,
        height=height,
        confirm_doubtful=True,
    ).pk


def ask_for_wave(
    wave: Sequence[Planned], ask_for: Callable[[Planned], int]
) -> tuple[list[tuple[Planned, int]], Refused | None]:
    """Asks for pictures until the queue or a budget takes no more: what was asked for, and what ended it, if anything.

    What the site's rules refuse stays without a picture and says why.
    """
    asked: list[tuple[Planned, int]] = []
    for picture in wave:
        try:
            asked.append((picture, ask_for(picture)))
        except Refused as refusal:
            if refusal.status in (429, 503):
                return asked, refusal
            picture.failure = str(refusal.message)[:200]
            picture.save(update_fields=["failure"])
    return asked, None


def attach_images(asked: Sequence[tuple[PlannedPicture, int]]) -> int:
    """Stores the images that are made, and why others never will be; returns how many pictures are settled now."""
    images = {image.generation_id: image for image in Image.objects.filter(generation__in=[pk for _one, pk in asked])}
    settled, changed = 0, ["image", "failure"]
    for picture, generation in asked:
        image = images[generation]
        if image.state in PENDING:
            continue
        if image.state == ImageState.READY:
            picture.image = image
        else:
            picture.failure = str(ImageState(image.state).label)
        picture.save(update_fields=changed)
        settled += 1
    return settled
