"""Imports the pictures of an archive, one at a time: decoded, screened, encoded, stored.

A worker claims a picture by one conditional UPDATE and writes its files before its rows. Where it is killed, the claim
runs out and another worker goes on; whoever comes second finds the picture there and takes its own files away again.
"""

import hashlib
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import NamedTuple
from zipfile import ZipFile

import PIL.Image
import structlog
from django.conf import settings
from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from generation.catalogue.models import IMPORTED
from generation.media import encoding, storage
from generation.models import Generation, Image, ImageState
from generation.parameters import Parameters
from lib.errors import Refused
from lib.images import open_picture
from moderation.cases.services import record_screening
from moderation.models import Screening
from moderation.screening.services import Label, Verdict, screen_image, screen_text
from ratings.campaigns.imports.archives import UNREADABLE, open_zip, read_member
from ratings.campaigns.imports.models import CampaignArchive, ImportedPicture
from ratings.campaigns.models import Campaign, CampaignPicture
from ratings.campaigns.pictures import account_of_campaigns, settle_pictures

SECONDS = 15.0  # of one call; beat makes the next
CLAIM = timedelta(minutes=3)  # longer than a picture takes
AGAIN = timedelta(minutes=1)
MOST_ATTEMPTS = 5  # that failed for no fault of the picture, as far as is known
UNCLAIMED = timedelta(hours=1)
log = structlog.get_logger(__name__)


class StoreAway(Exception):
    """The object store did not answer; nothing is wrong with the picture."""


class Screened(NamedTuple):
    """A picture that may be shown, and what was seen of it."""

    picture: PIL.Image.Image
    sha256: str  # of the file that came
    prompt_verdict: Verdict
    verdict: Verdict


@contextmanager
def _asking_store() -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, *UNREADABLE):
        raise
    except Exception as error:
        raise StoreAway(str(error)) from error


def import_pictures(*, campaign: Campaign, seconds: float = SECONDS) -> bool:
    """Imports pictures for about `seconds`; returns whether the campaign is ready now.

    Call it again and again while the state is IMPORTING, from as many workers as you like. Where the store is away,
    `notice` says so and a later call goes on.
    """
    importing = Campaign.objects.filter(pk=campaign.pk, state=Campaign.State.IMPORTING)
    archive = CampaignArchive.objects.filter(campaign__in=importing).first()
    if archive is None:
        return False
    notice, until = "", time.monotonic() + seconds
    try:
        author = account_of_campaigns()
        with ExitStack() as stack:
            with _asking_store():
                opened = stack.enter_context(open_zip(stack.enter_context(storage.open_file(archive.file))))
            while time.monotonic() < until and (taken := _claim(campaign, timezone.now())) is not None:
                _import(taken, opened, author)
    except Refused as refusal:  # a member has the name that the account needs
        notice = refusal.message
    except StoreAway as error:
        log.warning("import_put_off", campaign=campaign.pk, error=str(error))
        notice = _("The file store does not answer. Importing goes on once it does.")
    except (FileNotFoundError, *UNREADABLE):
        log.exception("archive_lost", campaign=campaign.pk)
        notice = _("The archive is lost. End this campaign, and send it again.")
    return settle_pictures(campaign, Campaign.State.IMPORTING, notice)


def importing_campaigns(at: datetime) -> list[int]:
    """Ids of the campaigns whose pictures are not all imported yet."""
    importing = Campaign.objects.filter(state=Campaign.State.IMPORTING, ends_at__gt=at)
    return list(importing.order_by("pk").values_list("pk", flat=True))


def _claim(campaign: Campaign, at: datetime) -> ImportedPicture | None:
    """A picture that nobody else imports now."""
    due = ImportedPicture.objects.waiting(campaign).due(at).order_by("pk")
    while (pk := due.values_list("pk", flat=True).first()) is not None:
        free = ImportedPicture.objects.filter(pk=pk).due(at)
        if free.update(attempts=F("attempts") + 1, not_before=at + CLAIM):
            related = ("picture__prompt", "picture__checkpoint", "picture__campaign__created_by")
            return ImportedPicture.objects.select_related(*related).get(pk=pk)
    return None


def _import(taken: ImportedPicture, archive: ZipFile, author: User) -> None:
    """One picture to its end, or put off."""
    if taken.attempts > MOST_ATTEMPTS:
        log.error("import_given_up", picture=taken.pk, attempts=MOST_ATTEMPTS)
        _give_up(taken, _("It could not be imported, in several attempts."))
        return
    try:
        with _asking_store():
            data = read_member(archive, taken.file, settings.MAX_UPLOAD_BYTES)
        screened = _screen(taken, data or b"")
        if screened is not None:
            _keep(taken, screened, author)
    except UNREADABLE as error:
        log.warning("import_unreadable", picture=taken.pk, error=str(error))
        _give_up(taken, _("It is damaged inside the archive."))
    except StoreAway:
        _put_off(taken, is_counted=False)
        raise


def _screen(taken: ImportedPicture, data: bytes) -> Screened | None:
    """The picture, if it may be shown; None where it is given up, or put off because it could not be checked."""
    said = screen_text(text=taken.picture.prompt.text, kind="prompt")
    if said.verdict in (Screening.Verdict.HOLD, Screening.Verdict.REJECT):
        _refuse(taken, said)
        return None
    try:
        picture = open_picture(ContentFile(data))
    except Refused as refusal:
        if refusal.status == 503:  # many pictures are being opened
            _put_off(taken, is_counted=False)
        else:
            _give_up(taken, refusal.message)
        return None
    seen = screen_image(image=picture)
    if seen.verdict != Screening.Verdict.ALLOW:
        _refuse(taken, seen)
        return None
    return Screened(picture, hashlib.sha256(data).hexdigest(), said, seen)


def _put_off(taken: ImportedPicture, *, is_counted: bool = True) -> None:
    mine = ImportedPicture.objects.filter(pk=taken.pk, attempts=taken.attempts)
    mine.update(attempts=taken.attempts - (not is_counted), not_before=timezone.now() + AGAIN)


def _refuse(taken: ImportedPicture, verdict: Verdict) -> None:
    """What the checkers refuse is known to moderation as an upload of the researcher's; they are asked again where one
    of them failed."""
    if any(seen.label is Label.FAILED for seen in verdict.observations) and taken.attempts < MOST_ATTEMPTS:
        _put_off(taken)
        return
    with transaction.atomic():
        record_screening(verdict=verdict, author=taken.picture.campaign.created_by)
        _give_up(taken, verdict.message or _("Our rules do not allow this picture."))


def _give_up(taken: ImportedPicture, failure: str) -> None:
    """It stays without an image and says why; what earlier attempts wrote is deleted."""
    waiting = CampaignPicture.objects.filter(pk=taken.pk, image=None, failure="")
    if waiting.update(failure=failure[:200]) and taken.attempts > 1:
        transaction.on_commit(lambda: _forget_files(taken))


def _forget_files(taken: ImportedPicture) -> None:
    storage.delete_all_of(image_id=taken.image_number)


def _keep(taken: ImportedPicture, screened: Screened, author: User) -> None:
    """Files first, then the rows; where the picture is there already, or no longer wanted, the files go again."""
    image = _image(taken, screened, author, timezone.now())
    parameters = Parameters.of(image)
    encoded = encoding.encode(screened.picture, parameters, public_id=image.public_id)
    with _asking_store():
        outputs = storage.write_encoded(prefix=image_prefix(taken), encoded=encoded)
    for name, value in asdict(outputs).items():
        setattr(image, name, value)
    if not _store_rows(taken, image, screened):
        with _asking_store():
            storage.delete_prefix(outputs.prefix)


def image_prefix(taken: ImportedPicture) -> str:
    """Where this attempt writes; no other writes there."""
    return storage.prefix_of(image_id=taken.image_number, lease_no=taken.attempts)


@transaction.atomic
def _store_rows(taken: ImportedPicture, image: Image, screened: Screened) -> bool:
    """The generation, its image and what was seen of them; False where somebody else was first or nobody waits."""
    locked = CampaignPicture.objects.select_for_update(of=("self",)).filter(pk=taken.pk, image=None, failure="")
    if not locked.filter(campaign__state=Campaign.State.IMPORTING).exists():
        return False
    image.generation.save(force_insert=True)
    image.save(force_insert=True)
    record_screening(verdict=screened.prompt_verdict, target=image.generation, author=image.author)
    record_screening(verdict=screened.verdict, target=image, author=image.author)
    CampaignPicture.objects.filter(pk=taken.pk).update(image=image)
    return True


def _image(taken: ImportedPicture, screened: Screened, author: User, at: datetime) -> Image:
    """The image as it will be stored, but for what is recorded of its files. It was never queued, and costs nothing."""
    planned, (width, height) = taken.picture, screened.picture.size
    generation = Generation(
        author=author,
        prompt=planned.prompt.text,
        checkpoint=planned.checkpoint,
        scheduler="",
        steps=0,
        guidance=0.0,
        width=width,
        height=height,
        idempotency_key=f"campaign-{planned.pk}",
        was_doubtful=screened.prompt_verdict.verdict == Screening.Verdict.ASK,
        submitted_at=at,
    )
    return Image(
        pk=taken.image_number,
        generation=generation,
        author=author,
        position=0,
        seed=planned.seed,
        batch_key=IMPORTED,
        cost_units=0,
        charged_units=0,
        pool=IMPORTED,
        state=ImageState.READY,
        lease_no=taken.attempts,
        attempts=taken.attempts - 1,
        not_before=at,
        versions={"imported_sha256": screened.sha256},
        queued_at=at,
        started_at=at,
        ready_at=at,
        width=width,
        height=height,
        alt_text=planned.prompt.text[:500],
        content_level=max(screened.prompt_verdict.level, screened.verdict.level),
    )


def delete_archives(*, at: datetime | None = None) -> int:
    """Deletes the archives that nothing is imported from any more, and files of pictures that will never be there.

    Idempotent. Returns how many.
    """
    at = at or timezone.now()
    deleted = 0
    for archive in CampaignArchive.objects.to_delete(at - UNCLAIMED).select_related("campaign"):
        storage.delete(archive.file)
        if archive.campaign is not None:
            for begun in ImportedPicture.objects.waiting(archive.campaign).filter(attempts__gt=0):
                _forget_files(begun)
        archive.delete()
        deleted += 1
    return deleted
