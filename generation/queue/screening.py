"""After the picture is drawn: moderation looks at it, and only then it is ready."""

import io
from datetime import datetime

import PIL.Image
from celery import current_app
from django.db import transaction
from django.utils import timezone

from accounts.models import WebhookEvent
from accounts.services import emit, notify
from generation.media import storage
from generation.models import Image, ImageState
from generation.queue import events, leases
from lib.content_levels import ContentLevel
from moderation.cases.services import record_screening
from moderation.models import Screening
from moderation.screening.services import Verdict, screen_image

MOST_AT_ONCE = 200


def unchecked_ids() -> list[int]:
    """Images whose check nobody has begun, oldest first."""
    waiting = Image.objects.filter(state=ImageState.GENERATED).order_by("pk")
    return list(waiting.values_list("pk", flat=True)[:MOST_AT_ONCE])


def request_check(image_id: int) -> None:
    """Sends the task that calls `check_image`; call after the commit. Idempotent, and beat finds what was lost."""
    current_app.signature("generation.screen", args=[image_id]).apply_async()  # by name: tasks is built on this module


def check_image(*, image_id: int, at: datetime | None = None) -> ImageState | None:
    """Screens a generated image and settles it as ready, held or rejected; None when there was nothing to do.

    The picture is read and looked at outside any transaction, under a lease; what follows from it is written in one.
    """
    now = at or timezone.now()
    lease_no = leases.take_for_screening(image_id=image_id, at=now)
    if lease_no is None:
        return None
    image = Image.objects.select_related("generation", "author").get(pk=image_id)
    with PIL.Image.open(io.BytesIO(storage.original_png(image))) as picture:
        verdict = screen_image(image=picture.convert("RGB"))
    state = state_for(verdict)
    with transaction.atomic():
        level = max(ContentLevel(image.content_level), verdict.level)
        if not leases.settle(image_id=image_id, lease_no=lease_no, state=state, level=level, at=now):
            return None
        record_screening(verdict=verdict, target=image, author=image.author, at=now)
        _tell_author(image, state, now)
        transaction.on_commit(lambda: events.publish_states([image_id]))
    return state


def state_for(verdict: Verdict) -> ImageState:
    """Only what was allowed is ready; doubt, and an error in a checker, hold."""
    states = {Screening.Verdict.ALLOW: ImageState.READY, Screening.Verdict.REJECT: ImageState.REJECTED}
    return states.get(verdict.verdict, ImageState.HELD)


def _tell_author(image: Image, state: ImageState, at: datetime) -> None:
    """A finished generation is one notification, whatever the number of its images; each held image is one more."""
    if state == ImageState.READY:
        emit(user=image.author, event=WebhookEvent.IMAGE_READY, target=image, at=at)
        if not Image.objects.filter(generation_id=image.generation_id).pending().exists():
            notify(recipient=image.author, kind="generation.done", target=image, at=at)
    else:
        emit(user=image.author, event=WebhookEvent.IMAGE_HELD, target=image, at=at)
        notify(recipient=image.author, kind="image.held", target=image, at=at)
