"""What members do with generations and images: submit, retry, delete. Pages, API and commands call these."""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Unpack

from django.core.files.base import File
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from generation.media import storage
from generation.media.uploads import keep_upload
from generation.models import PENDING, Generation, Image, ImageQuerySet, ImageState, Upload
from generation.parameters import Parameters, Wanted
from generation.queue import wakeup
from generation.requests.budgets import require_budget
from generation.requests.checks import check_member_rate, checked_key, earlier_request, request_hash, require_own
from generation.validation import MAX_SEED, Request, check_request
from lib.content_levels import ContentLevel
from lib.errors import NotFound, Refused
from moderation.cases.services import record_screening
from moderation.evidence.services import copy_pictures
from moderation.models import Screening
from moderation.restrictions.services import require_unrestricted
from moderation.screening.services import Verdict, screen_text

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
    """Queues `count` images. The same request with a key that was used before returns the generation it made.

    Nothing is drawn, stored or reserved before moderation allows the prompt.

    Raises:
        Refused: "invalid" with `fields`; "refused" (a rule forbids the words); "doubtful" (409: ask the member,
            then call again with `confirm_doubtful`); "key_reused" (409: another request with the same key);
            "unchecked" (503); "restricted" (403); "too_many_pending", "daily_limit" and "too_many" (429).
        NotFound: a parent or source picture that the author may not see, or an upload of somebody else's.
    """
    now = at or timezone.now()
    digest = request_hash(
        wanted, parent=parent, source_image=source_image, source_upload=source_upload, source_file=source_file
    )
    if (earlier := earlier_request(author, checked_key(idempotency_key), digest)) is not None:
        return earlier
    check_member_rate(author)
    require_unrestricted(user=author, doing="generate", at=now)
    request = check_request(wanted, has_source=(source_image, source_upload, source_file) != (None, None, None))
    _require_sources(author, parent, source_image, source_upload, now)
    verdict = _screen_prompts(author, request, confirm_doubtful, now)
    require_budget(author, count=request.count, cost=request.cost_units, at=now)
    new_upload = keep_upload(author=author, file=source_file, at=now) if source_file is not None else None
    origin = Origin(parent, source_image, new_upload or source_upload)
    generation, is_new = _create_once(author, request, (idempotency_key, digest), verdict, origin, now)
    if not is_new:
        _forget_upload(new_upload)
    return generation


def _create_once(
    author: User, request: Request, key: tuple[str, str], verdict: Verdict, origin: Origin, at: datetime
) -> tuple[Generation, bool]:
    """The generation of this idempotency key and hash, and whether it is new."""
    with transaction.atomic():
        User.objects.select_for_update().get(pk=author.pk)  # one submission of a member at a time: budgets must hold
        earlier = earlier_request(author, *key)
        if earlier is not None:
            return earlier, False
        require_budget(author, count=request.count, cost=request.cost_units, at=at)
        generation = _create(author, request, key, verdict, origin, at)
        transaction.on_commit(lambda: wakeup.wake_workers(request.checkpoint.pool))
        return generation, True


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
    """The verdict of prompts that may run, at the higher level of both. A refusal is recorded before it is raised."""
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
    level = max(verdict.level for verdict in verdicts.values())
    doubted = [verdict for verdict in verdicts.values() if verdict.verdict == Screening.Verdict.ASK]
    return replace((doubted or [verdicts["prompt"]])[0], level=level)


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


def _create(
    author: User, request: Request, key: tuple[str, str], verdict: Verdict, origin: Origin, at: datetime
) -> Generation:
    """The generation, its images and its screening; call inside a transaction that holds the author's row."""
    generation = Generation.objects.create(
        author=author,
        parent=origin.parent,
        source_image=origin.source_image,
        upload=origin.upload,
        idempotency_key=key[0],
        request_hash=key[1],
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


def clone_generation(
    *, generation: Generation, author: User, idempotency_key: str, at: datetime | None = None
) -> Generation:
    """Asks for as many images again with the same settings and new seeds; raises what `submit_generation` raises."""
    require_own(generation.author_id, author)
    first = generation.images.select_related("generation__checkpoint", "generation__style").earliest("position")
    wanted = Parameters.of(first).as_request()
    del wanted["seed"]
    wanted["count"] = generation.images.count()
    wanted["remix_kind"] = generation.remix_kind
    return submit_generation(
        author=author,
        idempotency_key=idempotency_key,
        parent=generation.parent,
        source_image=generation.source_image,
        source_upload=generation.upload,
        confirm_doubtful=generation.was_doubtful,
        at=at,
        **wanted,
    )


def retry_image(*, image: Image, author: User, at: datetime | None = None) -> Image:
    """Puts a failed or cancelled image back into the queue with the same seed, as a first attempt.

    Raises:
        Refused: "not_retryable" (409), "restricted" (403), "too_many_pending" and "daily_limit" (429).
    """
    now = at or timezone.now()
    require_own(image.author_id, author)
    check_member_rate(author)
    require_unrestricted(user=author, doing="generate", at=now)
    with transaction.atomic():
        User.objects.select_for_update().get(pk=author.pk)  # budgets must hold
        require_budget(author, count=1, cost=image.cost_units, at=now)
        ended = Image.objects.filter(
            pk=image.pk, state__in=(ImageState.FAILED, ImageState.CANCELLED), deleted_at=None
        ).exclude(generation__prompt="")
        again = ended.update(
            state=ImageState.QUEUED,
            attempts=0,
            interruptions=0,
            screening_attempts=0,
            failure="",
            is_cancel_requested=False,
            priority=0,
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
    require_own(image.author_id, author)
    check_member_rate(author)
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
