"""Pictures: opening what strangers send, and PDQ, the perceptual hash that finds a picture again.

PDQ: https://github.com/facebook/ThreatExchange/tree/main/pdq. Its authors call 31 bits of 256 a match.
"""

import io
import warnings
from typing import NamedTuple

import numpy as np
import PIL.Image
import PIL.ImageOps
from django.conf import settings
from django.core.files.base import File
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from lib import pdq
from lib.errors import Refused

FORMATS = ("PNG", "JPEG", "WEBP", "AVIF")
LEAST_SIDE, MOST_PIXELS, MOST_SIDE = 16, 24_000_000, 2048

PDQ_BITS = 256
LEAST_PDQ_QUALITY = 49  # a hash needs more than this: below it PDQ takes unlike pictures for alike
NEAR_PDQ_DISTANCE = 31  # bits; another seed of the same prompt is 48 or more away


class PdqHash(NamedTuple):
    bits: str  # 256 characters of 0 and 1, as BitField takes them
    quality: int  # 0 to 100


def hash_picture(picture: PIL.Image.Image) -> PdqHash:
    """The PDQ hash of a picture of any mode and size."""
    values, quality = pdq.compute(np.asarray(picture.convert("RGB")))
    return PdqHash(_as_text(values), int(quality))


def hash_orientations(picture: PIL.Image.Image) -> list[PdqHash]:
    """The PDQ hashes of a picture as it is, turned and mirrored: eight."""
    hashes, quality = pdq.compute_dihedral(np.asarray(picture.convert("RGB")))
    return [PdqHash(_as_text(values), int(quality)) for values in hashes]


def is_reliable(quality: int | None) -> bool:
    """Whether a PDQ hash of this quality says anything."""
    return (quality or 0) > LEAST_PDQ_QUALITY


def hamming_distance(one: str, other: str) -> int:
    """Bits in which two hashes of 256 characters of 0 and 1 differ."""
    return (int(one, 2) ^ int(other, 2)).bit_count()


def parse_pdq(text: str) -> str:
    """256 characters of 0 and 1, from themselves or from 64 hexadecimal digits; raises ValueError for anything else."""
    text = text.strip().lower()
    if len(text) == PDQ_BITS and set(text) <= set("01"):
        return text
    if len(text) == PDQ_BITS // 4 and set(text) <= set("0123456789abcdef"):
        return f"{int(text, 16):0{PDQ_BITS}b}"
    raise ValueError(text)


def _as_text(values: NDArray[np.uint8]) -> str:
    return "".join("1" if value else "0" for value in values)


def open_picture(file: File[bytes], *, field: str = "source_file") -> PIL.Image.Image:
    """The picture in an uploaded file as RGB, upright, at most 2048 px a side.

    Size and dimensions are looked at before anything is decoded: a small file can hold a billion pixels.

    Raises:
        Refused: with what is wrong, beside the form field `field`.
    """
    if file.size > settings.MAX_UPLOAD_BYTES:
        limit = settings.MAX_UPLOAD_BYTES // 1_000_000
        message = _("This picture is larger than %(n)s MB. Choose a smaller one.") % {"n": limit}
        raise _refused("too_large", message, field)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", PIL.Image.DecompressionBombWarning)
            picture = PIL.Image.open(io.BytesIO(file.read()), formats=FORMATS)
            if picture.width * picture.height > MOST_PIXELS:
                message = _("This picture has too many pixels. Scale it down first.")
                raise _refused("too_many_pixels", message, field)
            upright = PIL.ImageOps.exif_transpose(picture).convert("RGB")
    except (OSError, ValueError, SyntaxError, PIL.Image.DecompressionBombError, PIL.Image.DecompressionBombWarning):
        message = _("This file is not a picture that we can read. Choose a PNG, JPEG, WebP or AVIF.")
        raise _refused("not_a_picture", message, field) from None
    if min(upright.size) < LEAST_SIDE:
        raise _refused("too_small", _("This picture is smaller than 16 pixels. Choose a larger one."), field)
    upright.thumbnail((MOST_SIDE, MOST_SIDE))
    return upright


def _refused(code: str, message: str, field: str) -> Refused:
    return Refused(code, message, fields={field: [message]})
