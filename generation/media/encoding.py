"""One finished picture as bytes: the PNG with its parameters, renditions, the training copy, its hashes.

Pure: pixels in, bytes out.
"""

import base64
import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import PIL.Image
from thumbhash import rgba_to_thumb_hash

from generation.media.metadata import XMP, png, xmp_of
from generation.parameters import Parameters
from lib.images import hash_picture
from lib.images.appearance import appearance_of

LANCZOS = PIL.Image.Resampling.LANCZOS
WIDTHS = (256, 512, 768, 1280)  # of renditions, besides the picture's own
FORMATS = ("webp", "avif")
JPEG_WIDTHS = (16, 32, 64, 128)  # more widths of the JPEGs that other sites show


@dataclass(frozen=True)
class Derived:
    """What is recorded of one picture."""

    png_sha256: str
    jpeg_sha256: str
    rendition_hash: str
    rendition_widths: list[int]
    thumbhash: str
    placeholder: str
    pdq: str
    pdq_quality: int
    sharpness: float
    saturation: float
    lightness: float


@dataclass(frozen=True)
class Encoded:
    """A picture's files, by their names under its prefix, and what is recorded of them."""

    files: dict[str, bytes]
    derived: Derived


def training_jpeg(picture: PIL.Image.Image) -> bytes:
    """The copy that datasets carry: no metadata at all, full chroma."""
    return _saved(picture, "JPEG", quality=95, subsampling=0, optimize=True)


def widths_for(width: int) -> list[int]:
    """Widths of the renditions of a picture `width` pixels wide: never enlarged, its own always among them."""
    return [*(smaller for smaller in WIDTHS if smaller < width), width]


def jpeg_widths(widths: list[int]) -> list[int]:
    """Widths in which a picture can be had as JPEG, given those of its renditions."""
    return sorted({*widths, *(width for width in JPEG_WIDTHS if width < max(widths, default=0))})


def height_at(width: int, picture_width: int, picture_height: int) -> int:
    """The height of a picture that is scaled to a width."""
    return max(1, round(picture_height * width / picture_width))


def preview_jpeg(picture: PIL.Image.Image, width: int) -> bytes:
    """A JPEG for programs that show nothing else: previews of links in messengers and networks."""
    size = width, height_at(width, picture.width, picture.height)
    scaled = picture.convert("RGB") if width == picture.width else picture.convert("RGB").resize(size, LANCZOS)
    return _saved(scaled, "JPEG", quality=88, optimize=True, xmp=XMP.encode())


def thumbhash(picture: PIL.Image.Image) -> str:
    """ThumbHash in base64, of the picture at no more than 32 pixels (the library is plain Python)."""
    small = picture.convert("RGBA")
    small.thumbnail((32, 32))
    values = rgba_to_thumb_hash(small.width, small.height, list(small.tobytes()))
    return base64.b64encode(bytes(values)).decode()


def placeholder(picture: PIL.Image.Image) -> str:
    """A ``data:`` URI of an 8-pixel PNG; a browser draws it as a blur with no script at all."""
    small = picture.convert("RGB")
    small.thumbnail((8, 8))
    return "data:image/png;base64," + base64.b64encode(_saved(small, "PNG", optimize=True)).decode()


def encode(picture: PIL.Image.Image, parameters: Parameters, *, public_id: str) -> Encoded:
    """Everything the site keeps of a finished picture."""
    picture = picture.convert("RGB")
    picture.info = {}  # what its source said: Pillow would write some of it into every copy
    original, jpeg = png(picture, parameters, public_id=public_id), training_jpeg(picture)
    digest = hashlib.sha256(original).hexdigest()
    files = {"original.png": original, "training.jpg": jpeg}
    files |= {f"{digest[:16]}-{name}": data for name, data in _renditions(picture, xmp_of(public_id))}
    pdq = hash_picture(picture)
    derived = Derived(
        png_sha256=digest,
        jpeg_sha256=hashlib.sha256(jpeg).hexdigest(),
        rendition_hash=digest[:16],
        rendition_widths=widths_for(picture.width),
        thumbhash=thumbhash(picture),
        placeholder=placeholder(picture),
        pdq=pdq.bits,
        pdq_quality=pdq.quality,
        **appearance_of(picture)._asdict(),
    )
    return Encoded(files, derived)


def _renditions(picture: PIL.Image.Image, xmp: bytes) -> Iterator[tuple[str, bytes]]:
    for width in widths_for(picture.width):
        height = height_at(width, picture.width, picture.height)
        scaled = picture if width == picture.width else picture.resize((width, height), LANCZOS)
        yield f"{width}.webp", _saved(scaled, "WEBP", quality=84, method=4, xmp=xmp)
        yield f"{width}.avif", _saved(scaled, "AVIF", quality=70, speed=8, xmp=xmp)


def _saved(picture: PIL.Image.Image, form: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, form, **options)
    return stream.getvalue()
