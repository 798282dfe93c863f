"""What members do with pictures that wait: cancel, pause, resume and reorder them. Pages and API call these."""

from collections.abc import Sequence
from functools import partial

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from generation.models import WAITING, Generation, Image, ImageQuerySet, ImageState
from generation.queue import events, wakeup
from generation.requests.checks import check_member_rate, require_own
from lib.errors import Refused


def cancel_generation(*, generation: Generation, author: User) -> int:
    """Cancels what is not drawn yet; returns how many. Raises NotFound for somebody else's."""
    require_own(generation.author_id, author)
    return cancel_images(images=generation.images.all(), author=author)


def cancel_images(*, images: ImageQuerySet, author: User) -> int:
    """Cancels the member's own among these: waiting ones at once, running ones at their next step; returns how many."""
    check_member_rate(author)
    ids = list(images.filter(author=author).values_list("pk", flat=True))
    own = Image.objects.filter(pk__in=ids)
    # Running ones first: what goes back to the queue between the two statements is cancelled by the second.
    running = own.filter(state=ImageState.LEASED, is_cancel_requested=False).update(is_cancel_requested=True)
    waiting = own.filter(state__in=WAITING).update(state=ImageState.CANCELLED)
    if waiting + running == 0:
        raise Refused("nothing_to_cancel", _("Nothing left to cancel: every image is finished."), status=409)
    _publish_on_commit(ids)
    return waiting + running


def pause_images(*, images: ImageQuerySet, author: User) -> int:
    """queued → paused; returns how many. What is being drawn goes on. Idempotent: a paused one is left as it is."""
    return _move_between(images, author, ImageState.QUEUED, ImageState.PAUSED, _("Nothing waits that could be paused."))


def resume_images(*, images: ImageQuerySet, author: User) -> int:
    """paused → queued, at the place that their age gives them; returns how many. Idempotent."""
    return _move_between(images, author, ImageState.PAUSED, ImageState.QUEUED, _("Nothing is paused here."))


def _move_between(images: ImageQuerySet, author: User, before: ImageState, after: ImageState, nothing: str) -> int:
    check_member_rate(author)
    own = images.filter(author=author, deleted_at=None)
    ids = list(own.filter(state=before).values_list("pk", flat=True))
    moved = Image.objects.filter(pk__in=ids, state=before).update(state=after)
    if not moved and not own.filter(state=after).exists():
        raise Refused("not_waiting", nothing, status=409)
    if after == ImageState.QUEUED:
        for pool in set(Image.objects.filter(pk__in=ids).values_list("pool", flat=True)):
            transaction.on_commit(partial(wakeup.wake_workers, pool))
    _publish_on_commit(ids)
    return moved


def move_image(*, image: Image, author: User, place: int) -> list[Image]:
    """Moves a waiting image to a place (from 1) among the member's own of its pool; returns them in their new order.

    A place beyond the last is the last. Other members' turns do not change: only who goes when one's own turn comes.
    """
    require_own(image.author_id, author)
    check_member_rate(author)
    with transaction.atomic():
        User.objects.select_for_update().get(pk=author.pk)  # one reordering of a member at a time
        own = list(own_waiting(author, image.pool))
        others = [each for each in own if each.pk != image.pk]
        moved = [each for each in own if each.pk == image.pk]
        if not moved:
            raise Refused("not_waiting", _("This picture does not wait any more."), status=409)
        index = max(0, place - 1)
        arranged = [*others[:index], *moved, *others[index:]]
        for number, each in enumerate(arranged):
            each.priority = len(arranged) - number
        Image.objects.bulk_update(arranged, ["priority"])
    return arranged


def own_waiting(author: User, pool: str) -> ImageQuerySet:
    """A member's waiting images of a pool in the order in which they are drawn."""
    waiting = Image.objects.filter(author=author, pool=pool, state__in=WAITING, deleted_at=None)
    return waiting.order_by("-priority", "queued_at", "pk")


def _publish_on_commit(ids: Sequence[int]) -> None:
    transaction.on_commit(partial(events.publish_states, ids), robust=True)
