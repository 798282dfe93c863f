"""What a member's pages read: their generations a bounded page at a time, and the pictures they may start from."""

from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlencode

from django.db.models import Prefetch, Q
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User, Viewer
from generation.media import signing
from generation.models import PENDING, Generation, GenerationQuerySet, Image, ImageState, Upload

PAGE = 20
SIZES = "(min-width: 1200px) 260px, 45vw"
STATES = {
    "ready": (_("Ready"), (ImageState.READY,)),
    "pending": (_("Being made"), PENDING),
    "held": (_("Held for review"), (ImageState.HELD,)),
    "ended": (_("Failed or cancelled"), (ImageState.FAILED, ImageState.CANCELLED)),
}


@dataclass(frozen=True)
class ImageCard:
    """One of a member's own images as their pages show it; `picture` is None before there is one, and once removed."""

    image: Image
    picture: signing.Picture | None
    message: str
    download_url: str
    publish_url: str
    ask_url: str
    is_pending: bool
    can_retry: bool


@dataclass(frozen=True)
class Entry:
    generation: Generation
    images: list[ImageCard]
    is_pending: bool


@dataclass(frozen=True)
class Query:
    """What the member searches for; an unknown value in an address is ignored."""

    words: str = ""
    state: str = ""
    checkpoint: str = ""
    before: str = ""

    def is_empty(self) -> bool:
        return not (self.words or self.state or self.checkpoint)

    def address_after(self, last: Generation) -> str:
        values = {"q": self.words, "state": self.state, "checkpoint": self.checkpoint, "before": last.public_id}
        return "?" + urlencode({name: value for name, value in values.items() if value})


@dataclass(frozen=True)
class Page:
    entries: list[Entry] = field(default_factory=list)
    next_url: str = ""


def page_of(author: User, query: Query, *, at: datetime) -> Page:
    """One page of generations that have an image left, newest first."""
    finished = Generation.objects.visible_to(author).filter(is_draft=False)
    rows = _found(finished, query).order_by("-submitted_at", "-pk")
    last = _last_seen(author, query.before)
    if last is not None:
        rows = rows.filter(Q(submitted_at__lt=last.submitted_at) | Q(submitted_at=last.submitted_at, pk__lt=last.pk))
    kept = Prefetch("images", Image.objects.kept().order_by("position"), to_attr="kept_images")
    found = list(rows.select_related("checkpoint", "style").prefetch_related(kept)[: PAGE + 1])
    entries = [_entry(each, author, at) for each in found[:PAGE]]
    return Page(entries, query.address_after(found[PAGE - 1]) if len(found) > PAGE else "")


def _last_seen(author: User, public_id: str) -> Generation | None:
    return Generation.objects.visible_to(author).filter(public_id=public_id).first() if public_id else None


def _found(rows: GenerationQuerySet, query: Query) -> GenerationQuerySet:
    images = Image.objects.kept()
    if query.state in STATES:
        images = images.filter(state__in=STATES[query.state][1])
    rows = rows.filter(pk__in=images.values("generation_id"))
    if query.checkpoint:
        rows = rows.filter(checkpoint__slug=query.checkpoint)
    if query.words:
        match = Q(prompt__icontains=query.words) | Q(checkpoint__name__icontains=query.words)
        if query.words.isascii() and query.words.isdigit() and len(query.words) < 20:
            match |= Q(pk__in=Image.objects.filter(seed=min(int(query.words), 2**63 - 1)).values("generation_id"))
        rows = rows.filter(match)
    return rows


def _entry(generation: Generation, author: User, at: datetime) -> Entry:
    images: list[Image] = generation.kept_images  # type: ignore[attr-defined]
    for image in images:
        image.generation = generation
    is_pending = any(image.state in PENDING for image in images)
    return Entry(generation, [card_of(image, author=author, at=at) for image in images], is_pending)


def card_of(image: Image, *, author: User, at: datetime) -> ImageCard:
    """An image for its `author`, and for nobody else: its addresses are signed."""
    has_picture = bool(image.prefix) and image.state in (ImageState.READY, ImageState.HELD)
    is_ready = image.state == ImageState.READY
    return ImageCard(
        image=image,
        picture=picture_for(image, author, at) if has_picture else None,
        message=image.message(),
        download_url=signing.download_url(image, viewer_may_sign=True, viewer=author, at=at) if has_picture else "",
        publish_url=_url("feed:publish", image.public_id) if is_ready and not image.is_public else "",
        ask_url=_url("ratings:ask", image.public_id) if is_ready else "",
        is_pending=image.state in PENDING,
        can_retry=image.state in (ImageState.FAILED, ImageState.CANCELLED),
    )


def picture_for(image: Image, viewer: User, at: datetime) -> signing.Picture:
    """Call for somebody who may see the image: its address is signed."""
    return signing.picture(image, viewer_may_sign=True, viewer=viewer, sizes=SIZES, at=at)


def upload_picture(upload: Upload) -> signing.Picture:
    """The small copy of an upload; its address answers the member who brought it and nobody else."""
    address = reverse("generation:upload", args=[upload.public_id])
    return signing.Picture(
        src=address, srcset="", sizes="", width=upload.width, height=upload.height,
        alt=gettext("The picture you uploaded"), placeholder="", avif_srcset="",
    )  # fmt: skip


def _url(name: str, *args: str) -> str:
    """The address of a page in a higher layer by its name; empty on a site that does not have it."""
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""


def source_image_for(image: Image, viewer: Viewer, at: datetime) -> Image | None:
    """The picture that `image` was made from, where `viewer` may start from it too.

    None as well for one that somebody uploaded: for that see `source_upload_for`.
    """
    if image.generation.source_image_id is None:
        return None
    visible = Image.objects.visible_to(viewer, at).filter(pk=image.generation.source_image_id)
    return visible.exclude(prefix="").first()


def source_upload_for(image: Image, viewer: Viewer) -> Upload | None:
    """The picture that `viewer` uploaded and `image` was made from; None where somebody else did."""
    if image.generation.upload_id is None:
        return None
    return Upload.objects.visible_to(viewer).filter(pk=image.generation.upload_id).first()
