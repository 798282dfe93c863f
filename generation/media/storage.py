"""Where pictures lie and how a page names them.

Files of one image lie under ``images/{id}/{lease_no}`` and belong to it alone, so that deleting a prefix removes
all of a picture and nothing of another's. They are written before the row says so, and a page reaches them only
through `generation.media.views`, by a plain address when the picture is public and general, by a signed one otherwise.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache

import PIL.Image
from django.core import signing
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, Storage, default_storage
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts.models import Viewer
from generation.media import encoding
from generation.models import Image, ImageState
from lib.content_levels import ContentLevel

SIGNED_SECONDS = 3600
_signer = signing.Signer(salt="generation.files")


@dataclass(frozen=True)
class Outputs(encoding.Derived):
    """What `leases.finish` records about the files of one image."""

    prefix: str
    jpeg_bytes: int


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


def prefix_of(*, image_id: int, lease_no: int) -> str:
    return f"images/{image_id}/{lease_no}"


def write_outputs(*, prefix: str, picture: PIL.Image.Image, recipe: encoding.Recipe) -> Outputs:
    """Encodes a finished picture (RGB) and writes every copy under `prefix`; call before the row is updated."""
    encoded = encoding.encode(picture, recipe)
    for name, data in encoded.files.items():
        write(f"{prefix}/{name}", data)
    return Outputs(prefix=prefix, jpeg_bytes=len(encoded.files["training.jpg"]), **vars(encoded.derived))


def write(name: str, data: bytes) -> None:
    """Writes `data` at exactly `name`: a second attempt under one lease replaces, it never makes a second copy."""
    if default_storage.exists(name):
        default_storage.delete(name)
    default_storage.save(name, ContentFile(data))


def delete(name: str) -> None:
    default_storage.delete(name)


def delete_each(names: Iterable[str]) -> None:
    for name in names:
        delete(name)


def read(name: str) -> bytes:
    """Raises FileNotFoundError, on every storage, for a name that is not there."""
    with default_storage.open(name) as stream:
        return bytes(stream.read())


def delete_prefix(prefix: str, *, storage: Storage = default_storage) -> int:
    """Deletes every file below `prefix` (and, on disk, its folders); returns how many there were."""
    if not prefix.strip("/"):
        raise ValueError("the whole store is no prefix")
    try:
        folders, names = storage.listdir(prefix)
    except FileNotFoundError:
        return 0
    for name in names:
        storage.delete(f"{prefix}/{name}")
    deleted = len(names) + sum(delete_prefix(f"{prefix}/{folder}", storage=storage) for folder in folders)
    storage.delete(prefix)
    return deleted


def folders(prefix: str) -> list[str]:
    """Names of the folders right below `prefix`; none when it is not there."""
    try:
        return default_storage.listdir(prefix)[0]
    except FileNotFoundError:
        return []


def delete_all_of(*, image_id: int) -> int:
    """Deletes every file that any lease of an image wrote."""
    return delete_prefix(f"images/{image_id}")


def original_png(image: Image) -> bytes:
    return read(f"{image.prefix}/original.png")


def training_jpeg(image: Image) -> bytes:
    """The stored, metadata-free JPEG whose sha256 is `image.jpeg_sha256`."""
    return training_jpeg_below(image.prefix)


def training_jpeg_below(prefix: str) -> bytes:
    """The training JPEG below an image's prefix."""
    return read(f"{prefix}/training.jpg")


def training_jpeg_size(prefix: str) -> int | None:
    """Bytes of the training JPEG below an image's prefix, or None where there is none."""
    try:
        return default_storage.size(f"{prefix}/training.jpg")
    except FileNotFoundError:
        return None


def reading_threads() -> int:
    """How many threads read many pictures best: a store answers one question slowly and eight at once. A disk answers
    soon, and most of the rest is Python's own work, which more threads would only hand to and fro."""
    return 2 if isinstance(default_storage, FileSystemStorage) else 8


def is_plainly_public(image: Image) -> bool:
    """Whether anybody at all may be given the picture: hung, passed, and of the level that visitors see."""
    return image.is_public and image.state == ImageState.READY and image.content_level == ContentLevel.GENERAL


def picture(
    image: Image, *, viewer_may_sign: bool, viewer: Viewer | None = None, sizes: str = "", at: datetime | None = None
) -> Picture:
    """How to show `image`. Pass `viewer_may_sign` only for somebody whose `visible_to` contains it.

    Without a `viewer` it says what anybody may read: nothing of a hidden prompt.

    Raises:
        ValueError: the image needs a signed address and the viewer may not have one.
    """
    widths = image.rendition_widths
    query = _query(image, viewer_may_sign=viewer_may_sign, at=at)
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


def original_url(image: Image, *, viewer_may_sign: bool, at: datetime | None = None) -> str:
    """The address of the PNG; add ``download=1`` to save it under a name of its own."""
    return _path(image, image.width, "png") + _query(image, viewer_may_sign=viewer_may_sign, at=at)


def signature(image: Image, *, at: datetime) -> str:
    """Opens the files of an image until the end of the next hour, or until its state or audience changes.

    Cut to whole hours, so that a page shown twice names the same addresses and a browser's cache is of use.
    """
    expires = (int(at.timestamp()) // SIGNED_SECONDS + 2) * SIGNED_SECONDS
    return f"{expires}.{_signer.signature(_statement(image, expires))}"


def is_signed(image: Image, value: str, *, at: datetime) -> bool:
    expires, _, given = value.partition(".")
    if not expires.isascii() or not expires.isdigit() or len(expires) > 12 or int(expires) <= at.timestamp():
        return False
    return constant_time_compare(given, _signer.signature(_statement(image, int(expires))))


def _statement(image: Image, expires: int) -> str:
    state = f"{image.state}:{image.is_public:d}:{image.content_level}"
    return f"{image.public_id}:{image.rendition_hash}:{state}:{expires}"


def _path(image: Image, width: int, form: str) -> str:
    """As `reverse` says it, which is asked once: a page of cards needs some two hundred of these."""
    before, between, after = _path_parts(form)
    return f"{before}{image.public_id}{between}{image.rendition_hash}-{width}{after}"


@cache
def _path_parts(form: str) -> tuple[str, str, str]:
    public_id, content = "_" * 12, "0" * 16
    whole = reverse("generation:rendition", args=[public_id, content, 1, form])
    before, _id, rest = whole.partition(public_id)
    between, _hash, after = rest.partition(f"{content}-1")
    return before, between, after


def _query(image: Image, *, viewer_may_sign: bool, at: datetime | None) -> str:
    if is_plainly_public(image):
        return ""
    if not viewer_may_sign:
        raise ValueError(f"image {image.public_id} is not for everybody; check visible_to first")
    return f"?s={signature(image, at=at or timezone.now())}"
