"""The texts in a stranger's picture file, by the names of their chunks; its pixels are never decoded."""

import io
import warnings

import PIL.Image
from django.core.files.base import File

from lib.text.regex import compile_linear

MOST_BYTES = 50_000_000
_EXIF, _USER_COMMENT = 0x8769, 0x9286
_MAKE, _MODEL = 0x010F, 0x0110  # where ComfyUI's WebP keeps its graph: "prompt:{…}"
_OURS = compile_linear('salon:picture="([0-9A-Za-z_-]{12})"')
OUR_PICTURE = "salon-picture"


def read_texts(file: File[bytes]) -> dict[str, str]:
    """Texts by key; `parameters` also where a program keeps that text in EXIF. Empty for what is no picture."""
    if file.size > MOST_BYTES:
        return {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PIL.Image.DecompressionBombWarning)  # nothing is decompressed
            with PIL.Image.open(io.BytesIO(file.read()), formats=("PNG", "WEBP", "JPEG", "AVIF")) as picture:
                texts = {str(name): value for name, value in picture.info.items() if isinstance(value, str)}
                return texts | _exif_texts(picture) | _our_id(picture)
    except (OSError, ValueError, SyntaxError, PIL.Image.DecompressionBombError):
        return {}


def _exif_texts(picture: PIL.Image.Image) -> dict[str, str]:
    exif = picture.getexif()
    found: dict[str, str] = {}
    comment = exif.get_ifd(_EXIF).get(_USER_COMMENT)
    if isinstance(comment, bytes):
        found["parameters"] = _comment(comment)
    elif isinstance(comment, str):
        found["parameters"] = comment
    for tag in (_MAKE, _MODEL):
        name, colon, text = str(exif.get(tag, "")).partition(":")
        if colon and name in ("prompt", "workflow"):
            found[name] = text
    return found


def _comment(data: bytes) -> str:
    """A UserComment of EXIF begins with the name of its encoding in eight bytes."""
    code, text = data[:8], data[8:]
    if code.startswith(b"UNICODE"):
        order = "utf-16-le" if text[1:2] == b"\0" else "utf-16-be"
        return text.decode(order, "replace")
    return text.decode("utf-8", "replace")


def _our_id(picture: PIL.Image.Image) -> dict[str, str]:
    """The public id that our WebP and AVIF files carry beside the mark; they say nothing else about a picture."""
    data = picture.info.get("xmp", b"")
    match = _OURS.search(data.decode("latin-1") if isinstance(data, bytes) else str(data))
    return {OUR_PICTURE: match[1]} if match else {}
