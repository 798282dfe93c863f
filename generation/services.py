"""What members do with generations and images: submit, retry, delete. Pages, API and commands call these."""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Unpack

from django.core.files.base import File
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from generation.catalogue.kinds import Kind
from generation.media import storage
from generation.media.blanks import blank_images
from generation.media.uploads import keep_upload
from generation.models import PENDING, WAITING, Generation, Image, ImageState, Upload
from generation.parameters import Parameters, Wanted
from generation.queue import wakeup
from generation.requests.budgets import require_budget
from generation.requests.checks import check_member_rate, checked_key, earlier_request, request_hash, require_own
from generation.requests.pictures import Opened, Picture, Pictures, pictures_of
from generation.validation import MAX_SEED, Request, check_request
from lib.errors import NotFound, Refused
from lib.images import open_picture
from lib.limits import check_rate
from moderation.cases.services import record_screening
from moderation.models import Screening
from moderation.restrictions.services import require_unrestricted
from moderation.screening.services import Verdict, screen_text

UPLOADS_A_DAY = 500  # of one member, apart from those that come with a request
RANDOM_SEEDS = 2**31  # short enough to be read aloud; a chosen seed may be any up to 2**63 - 1


def submit_generation(
    *,
    author: User,
    idempotency_key: str,
    parent: Image | None = None,
    source_image: Image | None = None,
    source_upload: Upload | None = None,
    source_file: File[bytes] | None = None,
    mask: Picture | None = None,
    control_picture: Picture | None = None,
    references: Sequence[Image | Upload] = (),
    confirm_doubtful: bool = False,
    at: datetime | None = None,
    **wanted: Unpack[Wanted],
) -> Generation:
    """Queues `count` images. The same request with a key that was used before returns the generation it made.

    Nothing is drawn, stored or reserved before moderation allows the prompt. A mask is white where the source is drawn
    anew. A draft takes the place of those of the author that still wait.

    Raises:
        Refused: "invalid" with `fields`; "refused" (a rule forbids the words); "doubtful" (409: ask the member,
            then call again with `confirm_doubtful`); "key_reused" (409: another request with the same key);
            "unchecked" (503); "restricted" (403); "too_many_pending", "daily_limit" and "too_many" (429).
        NotFound: a parent or source picture that the author may not see, or an upload of somebody else's.
    """
    now = at or timezone.now()
    pictures = Pictures(source_file or source_upload or source_image, mask, control_picture, references)
    digest = request_hash(wanted, parent=parent, pictures=pictures)
    if (earlier := earlier_request(author, checked_key(idempotency_key), digest)) is not None:
        return earlier
    check_member_rate(author)
    require_unrestricted(user=author, doing="generate", at=now)
    origin = Origin(parent, Opened.of(pictures, author, now))
    request = check_request(wanted, given=origin.opened.given(author))
    _require_parent(author, parent, now)
    verdict = _screen_prompts(author, request, confirm_doubtful, now)
    return _create_once(author, request, (idempotency_key, digest), verdict, origin, now)


@dataclass(frozen=True)
class Origin:
    """What a generation is made from."""

    parent: Image | None
    opened: Opened


def _create_once(
    author: User, request: Request, key: tuple[str, str], verdict: Verdict, origin: Origin, at: datetime
) -> Generation:
    """The generation of this idempotency key and hash; its files are kept before its row."""
    if request.parameters.is_draft:
        _cancel_drafts(author)
    require_budget(author, count=request.count, cost=request.cost_units, at=at)
    origin.opened.keep(author, at)
    with transaction.atomic():
        User.objects.select_for_update().get(pk=author.pk)  # one submission of a member at a time: budgets must hold
        generation = earlier_request(author, *key)
        if generation is None:
            require_budget(author, count=request.count, cost=request.cost_units, at=at)
            transaction.on_commit(lambda: wakeup.wake_workers(request.checkpoint.pool))
            return _create(author, request, key, verdict, origin, at)
    origin.opened.forget()
    return generation


def _cancel_drafts(author: User) -> None:
    """Only the latest draft of a member waits: whoever goes on typing does not look at the others any more."""
    drafts = Image.objects.filter(author=author, generation__is_draft=True)
    drafts.filter(state=ImageState.LEASED, is_cancel_requested=False).update(is_cancel_requested=True)
    drafts.filter(state__in=WAITING).update(state=ImageState.CANCELLED)


def _require_parent(author: User, parent: Image | None, at: datetime) -> None:
    if parent is None:
        return
    if not Image.objects.visible_to(author, at).filter(pk=parent.pk).exclude(prefix="").exists():
        raise NotFound(_("The picture you want to start from is no longer available."))


def _screen_prompts(author: User, request: Request, is_confirmed: bool, at: datetime) -> Verdict:
    """The verdict of prompts that may run, at the higher level of both. A refusal is recorded before it is raised."""
    words = ", ".join((request.parameters.prompt, *request.parameters.edit.references.words))
    verdicts = {
        "prompt": screen_text(text=words, kind="prompt"),
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
    level = origin.opened.lock_uploads()
    source = origin.opened.row("source")
    generation = Generation.objects.create(
        author=author,
        parent=origin.parent,
        source_image=source if isinstance(source, Image) else None,
        upload=source if isinstance(source, Upload) else None,
        idempotency_key=key[0],
        request_hash=key[1],
        was_doubtful=verdict.verdict == Screening.Verdict.ASK,
        submitted_at=at,
        checkpoint=request.checkpoint,
        style=request.style,
        remix_kind=request.remix_kind,
        **request.parameters.as_columns(),
    )
    origin.opened.store(generation)
    Image.objects.bulk_create(_images(generation, request, max(verdict.level, level), at))
    record_screening(verdict=verdict, target=generation, author=author, at=at)
    return generation


def _images(generation: Generation, request: Request, level: int, at: datetime) -> Iterator[Image]:
    """The waiting images, with seeds in a row where one was chosen; variations share the seed of their picture."""
    parameters = request.parameters
    batch_key, cost_units = parameters.batch_key(), parameters.cost_units()
    width, height = parameters.size
    is_variation = parameters.kind == Kind.VARIATION
    for position in range(request.count):
        yield Image(
            generation=generation,
            author_id=generation.author_id,
            position=position,
            seed=_seed_at(request.seed, 0 if is_variation else position),
            variation_seed=_seed_at(parameters.variation_seed, position) if is_variation else None,
            batch_key=batch_key,
            cost_units=cost_units,
            pool=request.checkpoint.pool,
            not_before=at,
            queued_at=at,
            width=width,
            height=height,
            alt_text=parameters.prompt[:500],
            content_level=level,
        )


def _seed_at(first: int | None, position: int) -> int:
    return secrets.randbelow(RANDOM_SEEDS) if first is None else (first + position) % (MAX_SEED + 1)


def clone_generation(
    *, generation: Generation, author: User, idempotency_key: str, at: datetime | None = None
) -> Generation:
    """Asks for as many images again with the same settings and new seeds; raises what `submit_generation` raises.

    Variations keep the seed of their picture, and what was finished from a draft is drawn from its words.
    """
    require_own(generation.author_id, author)
    first = generation.images.select_related("generation__checkpoint", "generation__style").earliest("position")
    wanted, pictures = Parameters.of(first).as_request(), pictures_of(generation)
    if first.variation_seed is not None:
        del wanted["variation_seed"]
    else:
        del wanted["seed"]
    if generation.kind == Kind.FINAL:
        wanted["kind"], pictures = "", {}
    wanted["count"] = generation.images.count()
    wanted["remix_kind"] = generation.remix_kind
    return submit_generation(
        author=author,
        idempotency_key=idempotency_key,
        parent=generation.parent,
        confirm_doubtful=generation.was_doubtful,
        at=at,
        **pictures,
        **wanted,
    )


def vary_image(
    *, image: Image, author: User, idempotency_key: str, strength: float | str | None = None, count: int | str = 4,
    at: datetime | None = None,
) -> Generation:  # fmt: skip
    """Asks for pictures near one that `author` may see: its seed and settings, with a part of another seed's noise.

    Raises:
        Refused: 403, its prompt is hidden; 409, it was not drawn from words alone; and what `submit_generation` raises.
    """
    if not image.may_read_prompt(author):
        raise Refused("hidden", _("The author hides the prompt, so it can't be varied."), status=403)
    parameters = Parameters.of(image)
    if parameters.kind not in (Kind.TEXT2IMG, Kind.VARIATION):
        message = _("Variations are drawn of pictures that came from words alone. Start from this picture instead.")
        raise Refused("not_variable", message, status=409)
    wanted = parameters.as_request() | {
        "kind": Kind.VARIATION, "variation_strength": strength, "variation_seed": None, "count": count,
        "is_draft": False, "remix_kind": Generation.RemixKind.SAME_SETTINGS,
    }  # fmt: skip
    doubtful = image.generation.was_doubtful and image.author_id == author.pk
    return submit_generation(
        author=author,
        idempotency_key=idempotency_key,
        parent=image,
        confirm_doubtful=doubtful,
        at=at,
        **pictures_of(image.generation),
        **wanted,
    )


def finish_draft(
    *, image: Image, author: User, idempotency_key: str, steps: int | str | None = None,
    strength: float | str | None = None, at: datetime | None = None,
) -> Generation:  # fmt: skip
    """Draws a draft of the author's to its end: the same seed and settings with all steps, from what was seen.

    Raises:
        Refused: 409, it is no draft or not ready; and what `submit_generation` raises.
    """
    require_own(image.author_id, author)
    if not image.generation.is_draft or image.state != ImageState.READY:
        raise Refused("no_draft", _("Only a draft that is ready can be finished."), status=409)
    pictures = pictures_of(image.generation) | {"source_image": image}
    wanted = Parameters.of(image).as_request() | {
        "kind": Kind.FINAL, "steps": steps, "strength": strength, "is_draft": False,
    }  # fmt: skip
    return submit_generation(
        author=author,
        idempotency_key=idempotency_key,
        confirm_doubtful=image.generation.was_doubtful,
        at=at,
        **pictures,
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


def upload_picture(*, author: User, file: File[bytes], at: datetime | None = None) -> Upload:
    """Keeps a picture of the author's to start from; a task checks it. Raises Refused: it is no picture."""
    now = at or timezone.now()
    check_member_rate(author)
    check_rate(key=f"uploads:{author.pk}", limit=UPLOADS_A_DAY, seconds=86_400)
    require_unrestricted(user=author, doing="generate", at=now)
    return keep_upload(author=author, picture=open_picture(file, field="file"), at=now)


def delete_upload(*, upload: Upload, author: User) -> None:
    """Deletes the picture and its file; what was drawn from it stays. Raises NotFound for somebody else's."""
    require_own(upload.author_id, author)
    check_member_rate(author)
    name = upload.file
    with transaction.atomic():
        upload.delete()
        transaction.on_commit(lambda: storage.delete(name))


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


def mark_favourite(*, image: Image, author: User, is_favourite: bool) -> None:
    """Sets or takes the mark by which the author finds a picture again; nobody else sees it. Idempotent."""
    require_own(image.author_id, author)
    check_member_rate(author)
    Image.objects.kept().filter(pk=image.pk).update(is_favourite=is_favourite)
