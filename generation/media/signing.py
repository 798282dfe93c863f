"""The addresses of pictures: plain for what everybody may see, signed for the rest; `generation.media.views` answers.

A signed address is for one viewer, and for the session of their browser, or their API tokens, that it was made for: it
opens nothing without that session or a token. It ends within two hours, with the session, and at once when the
picture's state, level or audience changes or the viewer may no longer see it.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cache

from django.core import signing
from django.urls import reverse
from django.utils import timezone

from accounts.models import Viewer
from accounts.sign_in.access import access_key_of
from generation.media import encoding
from generation.models import Image, ImageState
from lib.content_levels import ContentLevel

SIGNED_SECONDS = 3600
_SALT = "generation.files"


@dataclass(frozen=True)
class Picture:
    """What a template needs to show an image; `avif_srcset` is for a ``<source type="image/avif">``."""

    src: str
    srcset: str
    sizes: str
    width: int
    height: int
    alt: str
    placeholder: str
    avif_srcset: str


def is_plainly_public(image: Image) -> bool:
    """Whether everybody may see the picture: published, ready, and of the level that visitors see."""
    return image.is_public and image.state == ImageState.READY and image.content_level == ContentLevel.GENERAL


def picture(
    image: Image, *, viewer_may_sign: bool, viewer: Viewer | None = None, sizes: str = "", at: datetime | None = None
) -> Picture:
    """How to show `image`. Pass `viewer_may_sign` only for somebody whose `visible_to` contains it.

    Without a `viewer`, the alternative text is what everybody may read: nothing of a hidden prompt. An address that
    needs a signature opens for the `viewer` alone who came with the present request, so without one for nobody.

    Raises:
        ValueError: the image needs a signed address and the viewer may not have one.
    """
    widths = image.rendition_widths
    query = _query(image, viewer, viewer_may_sign=viewer_may_sign, at=at)
    sources = {form: [f"{_path(image, width, form)}{query} {width}w" for width in widths] for form in encoding.FORMATS}
    shown = next((width for width in widths if width >= 512), widths[-1])
    return Picture(
        src=f"{_path(image, shown, 'webp')}{query}",
        srcset=", ".join(sources["webp"]),
        sizes=sizes,
        width=image.width,
        height=image.height,
        alt=image.alt_for(viewer),
        placeholder=image.placeholder,
        avif_srcset=", ".join(sources["avif"]),
    )


def original_url(
    image: Image, *, viewer_may_sign: bool, viewer: Viewer | None = None, at: datetime | None = None
) -> str:
    """The address of the PNG; add ``download=1`` to save it under a name of its own."""
    return _path(image, image.width, "png") + _query(image, viewer, viewer_may_sign=viewer_may_sign, at=at)


def download_url(
    image: Image, *, viewer_may_sign: bool, viewer: Viewer | None = None, at: datetime | None = None
) -> str:
    """The address of the PNG that a browser saves as a file."""
    url = original_url(image, viewer_may_sign=viewer_may_sign, viewer=viewer, at=at)
    return url + ("&" if "?" in url else "?") + "download=1"


def jpeg_url(
    image: Image, width: int, *, viewer_may_sign: bool, viewer: Viewer | None = None, at: datetime | None = None
) -> str:
    """The address of a JPEG of one of `encoding.jpeg_widths`."""
    return _path(image, width, "jpg") + _query(image, viewer, viewer_may_sign=viewer_may_sign, at=at)


def signature(image: Image, viewer: Viewer | None, *, at: datetime) -> str:
    """A signature for the files of an image, valid to the end of the next hour; empty for who came by no request.

    Whole hours, so that a page shown twice names the same addresses and a browser's cache is of use.
    """
    expires = (int(at.timestamp()) // SIGNED_SECONDS + 2) * SIGNED_SECONDS
    statement = _statement(image, viewer, expires)
    return f"{expires}.{signing.Signer(salt=_SALT).signature(statement)}" if statement else ""


def is_signed(image: Image, value: str, viewer: Viewer, *, at: datetime) -> bool:
    """Whether `value` is a signature for `viewer`, as they come with the present request."""
    expires, _, signature = value.partition(".")
    if not expires.isascii() or not expires.isdigit() or len(expires) > 12 or int(expires) <= at.timestamp():
        return False
    statement = _statement(image, viewer, int(expires))
    if not statement:
        return False
    try:
        signing.Signer(salt=_SALT).unsign(f"{statement}:{signature}")  # by older keys as well
    except signing.BadSignature:
        return False
    return True


def _statement(image: Image, viewer: Viewer | None, expires: int) -> str:
    access_key = access_key_of(viewer)
    if viewer is None or not access_key:
        return ""
    state = f"{image.state}:{image.is_public:d}:{image.content_level}"
    return f"{image.public_id}:{image.rendition_hash}:{state}:{expires}:{viewer.pk}:{access_key}"


def _path(image: Image, width: int, form: str) -> str:
    """As `reverse` makes it, which is called once: a page of cards needs some two hundred of these."""
    before, between, after = _path_parts(form)
    return f"{before}{image.public_id}{between}{image.rendition_hash}-{width}{after}"


@cache
def _path_parts(form: str) -> tuple[str, str, str]:
    public_id, content = "_" * 12, "0" * 16
    whole = reverse("generation:rendition", args=[public_id, content, 1, form])
    before, _id, rest = whole.partition(public_id)
    between, _hash, after = rest.partition(f"{content}-1")
    return before, between, after


def _query(image: Image, viewer: Viewer | None, *, viewer_may_sign: bool, at: datetime | None) -> str:
    if is_plainly_public(image):
        return ""
    if not viewer_may_sign:
        raise ValueError(f"image {image.public_id} is not for everybody; check visible_to first")
    signed = signature(image, viewer, at=at or timezone.now())
    return f"?s={signed}" if signed else ""
