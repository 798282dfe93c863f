"""What a member's pages read of their own pictures, and the pictures they may start from."""

from dataclasses import dataclass
from datetime import datetime

from django.urls import NoReverseMatch, reverse
from django.utils.text import Truncator
from django.utils.translation import gettext

from accounts.models import User, Viewer
from generation.catalogue.kinds import Kind
from generation.media import signing
from generation.models import PENDING, Image, ImageState, Upload

SIZES = "(min-width: 1200px) 260px, 45vw"


@dataclass(frozen=True)
class ImageCard:
    """One of a member's own images as their pages show it; `picture` is None before there is one, and once removed."""

    image: Image
    picture: signing.Picture | None
    message: str
    download_url: str
    large_url: str
    publish_url: str
    ask_url: str
    edit_url: str
    is_pending: bool
    can_retry: bool
    can_vary: bool
    can_edit: bool

    @property
    def name(self) -> str:
        """What names its controls."""
        values = {"n": self.image.position + 1, "prompt": Truncator(self.image.generation.prompt).chars(60)}
        return gettext("picture %(n)s, %(prompt)s") % values

    @property
    def actions(self) -> list[tuple[str, str]]:
        """What its author may do with it in the queue: the last word of the address, and the button's."""
        waiting = [("first", gettext("Draw first")), ("pause", gettext("Pause"))]
        offered = {ImageState.QUEUED: waiting, ImageState.PAUSED: [("resume", gettext("Resume"))]}
        before = offered.get(ImageState(self.image.state), [])
        may_cancel = self.image.state in (ImageState.QUEUED, ImageState.PAUSED, ImageState.LEASED)
        return [*before, *([("cancel", gettext("Cancel"))] if may_cancel else [])]


def card_of(image: Image, *, author: User, at: datetime) -> ImageCard:
    """An image for its `author`, and for nobody else: its addresses are signed."""
    has_picture = bool(image.prefix) and image.state in (ImageState.READY, ImageState.HELD)
    is_ready = image.state == ImageState.READY
    supports = image.generation.checkpoint.facts.supports
    return ImageCard(
        image=image,
        picture=picture_for(image, author, at) if has_picture else None,
        message=image.message(),
        download_url=signing.download_url(image, viewer_may_sign=True, viewer=author, at=at) if has_picture else "",
        large_url=signing.original_url(image, viewer_may_sign=True, viewer=author, at=at) if has_picture else "",
        publish_url=url_of("feed:publish", image.public_id) if is_ready and not image.is_public else "",
        edit_url=url_of("feed:publish", image.public_id) if is_ready and image.is_public else "",
        ask_url=url_of("ratings:ask", image.public_id) if is_ready else "",
        is_pending=image.state in PENDING,
        can_vary=has_picture and image.generation.strength is None and supports(Kind.VARIATION),
        can_edit=has_picture and supports(Kind.IMG2IMG),
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


def url_of(name: str, *args: str) -> str:
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
    return Upload.objects.usable_by(viewer).filter(pk=image.generation.upload_id).first()
