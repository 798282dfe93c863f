"""Screens what was drawn and what was uploaded: only then is an image ready, held or rejected, and an upload used."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial

import structlog
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import WebhookEvent
from accounts.services import emit, notify
from generation.engines.numbers import IMAGES_SETTLED
from generation.media import storage
from generation.models import MAX_SCREENINGS, WAITING, Image, ImageState, Upload
from generation.queue import events, leases, wakeup
from lib.content_levels import ContentLevel
from lib.images import open_stored
from lib.tasks import enqueue_on_commit
from moderation.cases.services import record_screening
from moderation.models import Screening
from moderation.policy import POLICY_VERSION, Reason
from moderation.screening.observations import Label, Observation, Verdict
from moderation.screening.services import screen_image
from moderation.screening.verdicts import decide_image

MAX_AT_ONCE = 200
MAX_UPLOAD_CHECKS = 5  # that fail for no fault of the picture
CHECK_AGAIN = timedelta(minutes=1)
NOT_CHECKED = _(
    "Held for review: the automatic check did not finish. Until then only you and our moderators can see it."
)
log = structlog.get_logger(__name__)


def unchecked_ids() -> list[int]:
    """Images that wait for their check, oldest first."""
    waiting = Image.objects.filter(state=ImageState.GENERATED).order_by("pk")
    return list(waiting.values_list("pk", flat=True)[:MAX_AT_ONCE])


def request_check(image_id: int) -> None:
    """Queues the task that calls `check_image`. Idempotent, and beat requests again what was lost."""
    enqueue_on_commit("generation.screen", image_id)  # by name: the module of the task imports this one


def check_image(*, image_id: int, at: datetime | None = None) -> ImageState | None:
    """Screens a generated image and settles it as ready, held or rejected; None when there was nothing to do.

    The picture is read and screened outside any transaction, under a lease; what follows from it is written in one.
    While the store is away the check is put off. An image whose check never ends (it raises, or kills the process) is
    held for a moderator after MAX_SCREENINGS.
    """
    now = at or timezone.now()
    lease = leases.take_for_screening(image_id=image_id, at=now)
    if lease is None:
        return None
    image = Image.objects.select_related("generation", "author").get(pk=image_id)
    is_given_up = lease.attempt > MAX_SCREENINGS
    if is_given_up:
        log.error("screening_given_up", image=image_id, attempts=MAX_SCREENINGS)
    png = _read(image, lease) if not is_given_up else b""
    if png is None:
        return None
    verdict = _unchecked() if is_given_up else screen_image(image=open_stored(png))
    state = state_for(verdict)
    with transaction.atomic():
        level = max(ContentLevel(image.content_level), verdict.level)
        failure = str(NOT_CHECKED) if is_given_up else ""
        if not leases.settle(
            image_id=image_id, lease_no=lease.lease_no, state=state, level=level, at=now, failure=failure
        ):
            return None
        record_screening(verdict=verdict, target=image, author=image.author, at=now)
        _notify_author(image, state, now)
        transaction.on_commit(lambda: events.publish_states([image_id]), robust=True)
    IMAGES_SETTLED.labels(state.value).inc()
    return state


def _read(image: Image, lease: leases.ScreeningLease) -> bytes | None:
    """The stored picture; None where the store is away: then beat requests the check again, and nothing is counted."""
    try:
        return storage.original_png(image)
    except FileNotFoundError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a store raises while it is away
        log.warning("screening_put_off", image=image.pk, error=str(error))
        leases.put_off_screening(image_id=image.pk, lease_no=lease.lease_no)
        return None


def _unchecked() -> Verdict:
    """The verdict where no checker came to an end."""
    failed = Observation("screening", f"{MAX_SCREENINGS} attempts", Label.FAILED, 1.0, Reason.UNCHECKED)
    return decide_image([failed], POLICY_VERSION)


def state_for(verdict: Verdict) -> ImageState:
    """Only what was allowed is ready; doubt, and an error in a checker, hold."""
    states = {Screening.Verdict.ALLOW: ImageState.READY, Screening.Verdict.REJECT: ImageState.REJECTED}
    return states.get(verdict.verdict, ImageState.HELD)


def _notify_author(image: Image, state: ImageState, at: datetime) -> None:
    """A finished generation is one notification, whatever the number of its images; each held image is one more."""
    if state == ImageState.READY:
        emit(user=image.author, event=WebhookEvent.IMAGE_READY, target=image, at=at)
        if not Image.objects.filter(generation_id=image.generation_id).pending().exists():
            notify(recipient=image.author, kind="generation.done", target=image, at=at)
    else:
        emit(user=image.author, event=WebhookEvent.IMAGE_HELD, target=image, at=at)
        notify(recipient=image.author, kind="image.held", target=image, at=at)


def unchecked_uploads(at: datetime) -> list[int]:
    """Uploads that wait for a check that nobody runs, oldest first."""
    waiting = Upload.objects.filter(_is_due(at), state=Upload.State.CHECKING)
    return list(waiting.order_by("pk").values_list("pk", flat=True)[:MAX_AT_ONCE])


def check_upload(*, upload_id: int, at: datetime | None = None) -> Upload.State | None:
    """Screens an upload and settles it as ready or refused; None when there was nothing to do, or it is put off.

    A check that fails, raises or kills its process is begun again after CHECK_AGAIN, MAX_UPLOAD_CHECKS times in all;
    while the store is away it waits as long as that takes. Then what waits for the picture is drawn, with the same
    content level at least, or fails.
    """
    now = at or timezone.now()
    begun = Upload.objects.filter(_is_due(now), pk=upload_id, state=Upload.State.CHECKING)
    if not begun.update(checks=F("checks") + 1, check_after=now + CHECK_AGAIN):
        return None
    upload = Upload.objects.filter(pk=upload_id).select_related("author").first()
    if upload is None:
        return None
    if upload.checks > MAX_UPLOAD_CHECKS:
        log.error("upload_check_given_up", upload=upload_id, checks=MAX_UPLOAD_CHECKS)
        return _settle_upload(upload, _unchecked(), now)
    data = _read_upload(upload)
    if data is None:
        return None
    verdict = screen_image(image=open_stored(data))
    if _is_failure(verdict) and upload.checks < MAX_UPLOAD_CHECKS:
        log.warning("upload_not_checked", upload=upload_id, checks=upload.checks)
        return None
    return _settle_upload(upload, verdict, now)


def _is_due(at: datetime) -> Q:
    return Q(check_after=None) | Q(check_after__lte=at)


def _read_upload(upload: Upload) -> bytes | None:
    """The stored picture; None where the store is away, and then no check is counted."""
    try:
        return storage.read(upload.file)
    except FileNotFoundError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a store raises while it is away
        log.warning("upload_check_put_off", upload=upload.pk, error=str(error))
        Upload.objects.filter(pk=upload.pk, checks__gt=0).update(checks=F("checks") - 1)
        return None


def _is_failure(verdict: Verdict) -> bool:
    """Whether a checker, not the picture, is why it is not allowed."""
    return verdict.verdict != Screening.Verdict.ALLOW and any(
        seen.label is Label.FAILED for seen in verdict.observations
    )


def _settle_upload(upload: Upload, verdict: Verdict, at: datetime) -> Upload.State | None:
    is_allowed = verdict.verdict == Screening.Verdict.ALLOW
    state = Upload.State.READY if is_allowed else Upload.State.REFUSED
    failure = "" if is_allowed else verdict.message or gettext("We cannot use this picture. Choose another one.")
    with transaction.atomic():
        unsettled = Upload.objects.filter(pk=upload.pk, state=Upload.State.CHECKING)
        if not unsettled.update(state=state, failure=failure[:300], content_level=verdict.level):
            return None
        images = Image.objects.drawn_from(upload)
        if is_allowed:
            images.filter(content_level__lt=verdict.level).update(content_level=verdict.level)
            _wake_on_commit(images.filter(state=ImageState.QUEUED).values_list("pool", flat=True).distinct())
        else:
            record_screening(verdict=verdict, author=upload.author, at=at)
            _fail(list(images.filter(state__in=WAITING).values_list("pk", flat=True)), failure)
            transaction.on_commit(partial(storage.delete, upload.file))
    return state


def _wake_on_commit(pools: Iterable[str]) -> None:
    for pool in pools:
        transaction.on_commit(partial(wakeup.wake_workers, pool))


def _fail(image_ids: Sequence[int], failure: str) -> None:
    """What waited for a refused upload costs its author nothing."""
    waiting = Image.objects.filter(pk__in=image_ids, state__in=WAITING)
    failed = waiting.update(state=ImageState.FAILED, failure=failure[:300])
    IMAGES_SETTLED.labels(ImageState.FAILED.value).inc(failed)
    transaction.on_commit(partial(events.publish_states, image_ids), robust=True)
