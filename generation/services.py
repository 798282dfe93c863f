"""What members do with generations and images: submit, cancel, retry, delete. Pages, API and commands call these."""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Unpack

from django.conf import settings
from django.core.files.base import File
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import User
from generation.media import storage
from generation.media.uploads import keep_upload
from generation.models import PENDING, Generation, Image, ImageQuerySet, ImageState, Upload
from generation.parameters import Wanted
from generation.queue import events, wakeup
from generation.validation import MAX_SEED, Request, check_request
from lib.content_levels import ContentLevel
from lib.errors import NotFound, Refused
from lib.limits import check_rate
from moderation.cases.services import record_screening
from moderation.evidence.services import copy_pictures
from moderation.models import Screening
from moderation.restrictions.services import require_unrestricted
from moderation.screening.services import Verdict, screen_text

DAY = timedelta(hours=24)
REQUESTS_A_MINUTE = 600  # of one member, of every kind; budgets bound what is drawn
RANDOM_SEEDS = 2**31  # short enough to be read aloud; a chosen seed may be any up to 2**63 - 1


@dataclass(frozen=True)
class Origin:
    """What a generation starts from, each or none."""

    parent: Image | None
    source_image: Image | None
    upload: Upload | None

    @property
    def level(self) -> int:
        """The content level that a picture made from it has at least."""
        sources = (self.source_image, self.upload)
        return max([ContentLevel.GENERAL, *(each.content_level for each in sources if each is not None)])


def submit_generation(
    *,
    author: User,
    idempotency_key: str,
    parent: Image | None = None,
    source_image: Image | None = None,
    source_upload: Upload | None = None,
    source_file: File[bytes] | None = None,
    confirm_doubtful: bool = False,
    at: datetime | None = None,
    **wanted: Unpack[Wanted],
) -> Generation:
    """Queues `count` images. A key that was used before returns the generation it made, whatever else is asked.

    Nothing is drawn, stored or charged before moderation allows the prompt.

    Raises:
        Refused: "invalid" with `fields`; "refused" (a rule forbids the words); "doubtful" (409: ask the member,
            then call again with `confirm_doubtful`); "unchecked" (503); "restricted" (403); "too_many_pending",
            "daily_limit" and "too_many" (429).
        NotFound: a parent or source picture that the author may not see, or an upload of somebody else's.
    """
    now = at or timezone.now()
    earlier = _by_key(author, _checked_key(idempotency_key))
    if earlier is not None:
        return earlier
    _check_rate(author)
    require_unrestricted(user=author, doing="generate", at=now)
    has_source = any(source is not None for source in (source_image, source_upload, source_file))
    request = check_request(wanted, has_source=has_source)
    _require_sources(author, parent, source_image, source_upload, now)
    verdict = _screen_prompts(author, request, confirm_doubtful, now)
    _require_budget(author, request, now)
    new_upload = keep_upload(author=author, file=source_file, at=now) if source_file is not None else None
    origin = Origin(parent, source_image, new_upload or source_upload)
    generation, is_new = _create_once(author, request, idempotency_key, verdict, origin, now)
    if not is_new:
        _forget_upload(new_upload)
    return generation


def _create_once(
    author: User, request: Request, key: str, verdict: Verdict, origin: Origin, at: datetime
) -> tuple[Generation, bool]:
    """The generation of this key, and whether it is new."""
    with transaction.atomic():
        User.objects.select_for_update().get(pk=author.pk)  # one submission of a member at a time: budgets must hold
        earlier = _by_key(author, key)
        if earlier is not None:
            return earlier, False
        _require_budget(author, request, at)
        generation = _create(author, request, key, verdict, origin, at)
        transaction.on_commit(lambda: wakeup.wake_workers(request.checkpoint.pool))
        return generation, True


def _checked_key(key: str) -> str:
    if not 1 <= len(key) <= 64 or not key.isprintable():
        message = _("The idempotency key must have 1 to 64 characters.")
        raise Refused("invalid", message, fields={"idempotency_key": [message]})
    return key


def _by_key(author: User, key: str) -> Generation | None:
    return Generation.objects.filter(author=author, idempotency_key=key).first()


def _forget_upload(upload: Upload | None) -> None:
    """Deletes the second copy of an upload whose form was sent twice."""
    if upload is not None:
        upload.delete()
        storage.delete(upload.file)


def _require_sources(
    author: User, parent: Image | None, source_image: Image | None, upload: Upload | None, at: datetime
) -> None:
    gone = NotFound(_("The picture you want to start from is no longer available."))
    for image in filter(None, (parent, source_image)):
        if not Image.objects.visible_to(author, at).filter(pk=image.pk).exclude(prefix="").exists():
            raise gone
    if upload is not None and not Upload.objects.visible_to(author).filter(pk=upload.pk).exists():
        raise gone


def _screen_prompts(author: User, request: Request, is_confirmed: bool, at: datetime) -> Verdict:
    """The verdict of a prompt that may run. A refusal is recorded before it is raised."""
    verdicts = {
        "prompt": screen_text(text=request.parameters.prompt, kind="prompt"),
        "negative_prompt": screen_text(text=request.parameters.negative_prompt, kind="negative_prompt"),
    }
    for field, verdict in verdicts.items():
        if verdict.verdict == Screening.Verdict.ALLOW:
            continue
        if verdict.verdict == Screening.Verdict.ASK and is_confirmed:
            continue
        record_screening(verdict=verdict, author=author, at=at)
        raise _refusal(field, verdict)
    return verdicts["prompt"]


def _refusal(field: str, verdict: Verdict) -> Refused:
    code, status = {
        Screening.Verdict.REJECT: ("refused", 400),
        Screening.Verdict.ASK: ("doubtful", 409),
        Screening.Verdict.HOLD: ("unchecked", 503),
    }[Screening.Verdict(verdict.verdict)]
    message = verdict.message
    if code == "doubtful":
        message = _("%(reason)s Change the prompt, or confirm that you want to generate anyway.") % {"reason": message}
    return Refused(code, message, status=status, fields={field: [message]})


def _require_budget(author: User, request: Request, at: datetime) -> None:
    """Refuses more pending images, or more cost units within 24 hours, than a member has."""
    pending = Image.objects.filter(author=author).pending().count()
    if pending + request.count > settings.MAX_PENDING_IMAGES:
        message = _("You already have %(n)s images in the queue. Wait until some are ready, or cancel some.")
        raise Refused("too_many_pending", message % {"n": pending}, status=429)
    if not settings.DAILY_COST_UNITS:
        return
    charged = Image.objects.charged(author, at - DAY)
    spent = charged.aggregate(spent=Sum("cost_units"))["spent"] or 0
    if spent + request.parameters.cost_units() * request.count > settings.DAILY_COST_UNITS:
        oldest = charged.order_by("queued_at").values_list("queued_at", flat=True).first()
        message = _("You have used your allowance for 24 hours. Try fewer images, fewer steps or a smaller size.")
        if oldest is not None:
            when = date_format(timezone.localtime(oldest + DAY), "DATETIME_FORMAT")
            message = _("You have used your allowance for 24 hours. It starts to refill at %(when)s.") % {"when": when}
        raise Refused("daily_limit", message, status=429)


def _create(author: User, request: Request, key: str, verdict: Verdict, origin: Origin, at: datetime) -> Generation:
    """The generation, its images and its screening; call inside a transaction that holds the author's row."""
    generation = Generation.objects.create(
        author=author,
        parent=origin.parent,
        source_image=origin.source_image,
        upload=origin.upload,
        idempotency_key=key,
        was_doubtful=verdict.verdict == Screening.Verdict.ASK,
        submitted_at=at,
        checkpoint=request.checkpoint,
        style=request.style,
        remix_kind=request.remix_kind,
        **request.parameters.as_columns(),
    )
    Image.objects.bulk_create(_images(generation, request, max(verdict.level, origin.level), at))
    record_screening(verdict=verdict, target=generation, author=author, at=at)
    return generation


def _images(generation: Generation, request: Request, level: int, at: datetime) -> Iterator[Image]:
    """The waiting images, with seeds in a row where one was chosen."""
    parameters = request.parameters
    batch_key, cost_units = parameters.batch_key(), parameters.cost_units()
    for position in range(request.count):
        yield Image(
            generation=generation,
            author_id=generation.author_id,
            position=position,
            seed=secrets.randbelow(RANDOM_SEEDS)
            if request.seed is None
            else (request.seed + position) % (MAX_SEED + 1),
            batch_key=batch_key,
            cost_units=cost_units,
            pool=request.checkpoint.pool,
            not_before=at,
            queued_at=at,
            width=parameters.width,
            height=parameters.height,
            alt_text=parameters.prompt[:500],
            content_level=level,
        )


def cancel_generation(*, generation: Generation, author: User) -> int:
    """Cancels what is not drawn yet: queued images at once, running ones at their next step; returns how many."""
    _require_own(generation.author_id, author)
    _check_rate(author)
    images = Image.objects.filter(generation=generation)
    waiting = images.filter(state=ImageState.QUEUED).update(state=ImageState.CANCELLED)
    running = images.filter(state=ImageState.LEASED, is_cancel_requested=False).update(is_cancel_requested=True)
    if waiting + running == 0:
        raise Refused("nothing_to_cancel", _("Nothing left to cancel: every image is finished."), status=409)
    transaction.on_commit(lambda: events.publish_states(images.values_list("pk", flat=True)))
    return waiting + running


def retry_image(*, image: Image, author: User, at: datetime | None = None) -> Image:
    """Puts a failed or cancelled image back into the queue with the same seed, as a first attempt."""
    now = at or timezone.now()
    _require_own(image.author_id, author)
    _check_rate(author)
    require_unrestricted(user=author, doing="generate", at=now)
    with transaction.atomic():
        User.objects.select_for_update().get(pk=author.pk)  # budgets must hold
        if Image.objects.filter(author=author).pending().count() >= settings.MAX_PENDING_IMAGES:
            message = _("You have too many images in the queue. Wait until some are ready, or cancel some.")
            raise Refused("too_many_pending", message, status=429)
        ended = Image.objects.filter(
            pk=image.pk, state__in=(ImageState.FAILED, ImageState.CANCELLED), deleted_at=None
        ).exclude(generation__prompt="")
        again = ended.update(
            state=ImageState.QUEUED,
            attempts=0,
            screening_attempts=0,
            failure="",
            is_cancel_requested=False,
            not_before=now,
            queued_at=now,
        )
        if not again:
            message = _("Only a failed or cancelled image can be tried again.")
            raise Refused("not_retryable", message, status=409)
        transaction.on_commit(lambda: wakeup.wake_workers(image.pool))
    image.refresh_from_db()
    return image


def delete_image(*, image: Image, author: User, at: datetime | None = None) -> None:
    """Leaves a blank tombstone and deletes every file; a published picture must be unpublished first."""
    _require_own(image.author_id, author)
    _check_rate(author)
    unfinished = Image.objects.filter(pk=image.pk, deleted_at=None)
    if image.deleted_at is not None:
        return
    if unfinished.filter(is_public=True).exists():
        raise Refused("published", _("This picture is published. Unpublish it first."), status=409)
    gone = unfinished.filter(is_public=False).exclude(state__in=PENDING)
    if not blank_images(gone, at=at or timezone.now()):
        raise Refused("still_running", _("This picture is still being made. Cancel it first."), status=409)


def blank_images(images: ImageQuerySet, *, at: datetime) -> int:
    """Makes tombstones of `images` and deletes their files once that is committed; returns how many.

    What a case is about is copied for the moderators first.
    """
    with transaction.atomic():
        found = dict(images.select_for_update(of=("self",)).values_list("pk", "prefix"))
        copy_pictures(sources=[storage.original_name_below(prefix) for prefix in found.values() if prefix])
        ids = list(found)
        Image.objects.filter(pk__in=ids).update(deleted_at=at, is_public=False, **TOMBSTONE)
        transaction.on_commit(lambda: _delete_files(ids))
    return len(ids)


TOMBSTONE: dict[str, Any] = {
    "prefix": "",
    "png_sha256": "",
    "jpeg_sha256": "",
    "jpeg_bytes": None,
    "rendition_hash": "",
    "rendition_widths": [],
    "thumbhash": "",
    "placeholder": "",
    "pdq": None,
    "pdq_quality": None,
    "alt_text": "",
    "is_alt_written": False,
    "failure": "",
}


def _delete_files(ids: Sequence[int]) -> None:
    for image_id in ids:
        storage.delete_all_of(image_id=image_id)


def _check_rate(author: User) -> None:
    check_rate(key=f"generation:{author.pk}", limit=REQUESTS_A_MINUTE, seconds=60)


def _require_own(author_id: int, author: User) -> None:
    if author_id != author.pk:
        raise NotFound(_("You have no such picture."))
