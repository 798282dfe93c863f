"""An image of one's own as a page shows it: its picture, what may be done with it, what it waits for."""

from dataclasses import dataclass
from datetime import datetime

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from accounts.models import User
from generation.media import storage
from generation.models import PENDING, Image, ImageState, Upload

SIZES = "(min-width: 1200px) 260px, 45vw"


@dataclass(frozen=True)
class Shown:
    """`picture` is None while there is none, and for a removed one."""

    image: Image
    picture: storage.Picture | None
    words: str
    download_url: str
    publish_url: str
    ask_url: str
    is_pending: bool
    can_retry: bool


def shown(image: Image, *, author: User, at: datetime) -> Shown:
    """As the image's `author` sees it, and nobody else: addresses are signed, words are told."""
    is_there = bool(image.prefix) and image.state in (ImageState.READY, ImageState.HELD)
    is_ready = image.state == ImageState.READY
    return Shown(
        image=image,
        picture=picture_for(image, author, at) if is_there else None,
        words=words_for(image),
        download_url=_download(image, at) if is_there else "",
        publish_url=by_name("feed:publish", image.public_id) if is_ready and not image.is_public else "",
        ask_url=by_name("ratings:ask", image.public_id) if is_ready else "",
        is_pending=image.state in PENDING,
        can_retry=image.state in (ImageState.FAILED, ImageState.CANCELLED),
    )


def picture_for(image: Image, viewer: User, at: datetime) -> storage.Picture:
    """Call for somebody who may see the image: its address is signed."""
    return storage.picture(image, viewer_may_sign=True, viewer=viewer, sizes=SIZES, at=at)


def upload_for(upload: Upload) -> storage.Picture:
    """Call for the member who brought it: nobody else gets an answer from its address."""
    address = reverse("generation:upload", args=[upload.public_id])
    return storage.Picture(
        src=address, srcset="", sizes="", width=upload.width, height=upload.height, alt=_("The picture you uploaded"),
        placeholder="", avif_srcset="",
    )  # fmt: skip


def words_for(image: Image) -> str:
    """One sentence for its author about how the image stands."""
    sentences = {
        ImageState.HELD: _("Held for review: only you and moderators see it until someone has looked."),
        ImageState.REJECTED: _("Removed: it breaks a rule of the site."),
        ImageState.FAILED: image.failure or _("It could not be drawn."),
    }
    state = ImageState(image.state)
    return sentences.get(state) or str(state.label)


def _download(image: Image, at: datetime) -> str:
    url = storage.original_url(image, viewer_may_sign=True, at=at)
    return url + ("&" if "?" in url else "?") + "download=1"


def by_name(name: str, *args: str) -> str:
    """A page of a higher rung by its name; empty on a site that does not have it."""
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""
