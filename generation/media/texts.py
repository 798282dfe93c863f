"""The texts in a stranger's picture file, by the names of their chunks; its pixels are never decoded."""

import io
import struct
import warnings

import PIL.Image
from django.core.files.base import File

from lib.decoding import containers
from lib.text.regex import compile_linear

MOST_BYTES = 50_000_000
_EXIF, _USER_COMMENT = 0x8769, 0x9286
_MAKE, _MODEL = 0x010F, 0x0110  # where ComfyUI's WebP keeps its graph: "prompt:{…}"
_OURS = compile_linear('salon:picture="([0-9A-Za-z_-]{12})"')
OUR_PICTURE = "salon-picture"


def read_texts(file: File[bytes]) -> dict[str, str]:
    """Texts by key; `parameters` also where a program keeps that text in EXIF. Empty for what is no picture.

    No decoder written in C sees the file: Pillow reads the chunks of PNG and JPEG in Python.
    """
    if file.size > MOST_BYTES:
        return {}
    data = file.read()
    kind = containers.kind_of(data)
    try:
        if kind == "WebP":
            chunks = containers.webp_chunks(data)
            exif = PIL.Image.Exif()
            exif.load(chunks.get(b"EXIF", b""))
            return _exif_texts(exif) | _our_id(chunks.get(b"XMP ", b""))
        if kind == "AVIF":
            return _our_id(data)
        if kind in ("PNG", "JPEG"):
            return _texts_by_pillow(data)
    except (OSError, ValueError, SyntaxError, struct.error, PIL.Image.DecompressionBombError):
        pass
    return {}


def _texts_by_pillow(data: bytes) -> dict[str, str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PIL.Image.DecompressionBombWarning)  # nothing is decompressed
        with PIL.Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as picture:
            texts = {str(name): value for name, value in picture.info.items() if isinstance(value, str)}
            xmp = picture.info.get("xmp", b"")
            return texts | _exif_texts(picture.getexif()) | _our_id(xmp if isinstance(xmp, bytes) else xmp.encode())


def _exif_texts(exif: PIL.Image.Exif) -> dict[str, str]:
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


def _our_id(xmp: bytes) -> dict[str, str]:
    """The public id that our WebP and AVIF files carry beside the mark; they say nothing else about a picture."""
    match = _OURS.search(xmp.decode("latin-1"))
    return {OUR_PICTURE: match[1]} if match else {}
