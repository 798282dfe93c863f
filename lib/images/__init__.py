"""Pictures: the one way in for what strangers send, files of our own, and PDQ, the hash that finds a picture again.

Uploads, a search by a picture, and pictures of other services all come through `open_picture`. It checks, in this
order: bytes, kind, pixels and shape by the header; then `lib.decoding` decodes, in a process of its own.
PDQ: https://github.com/facebook/ThreatExchange/tree/main/pdq. Its authors call 31 bits of 256 a match.
"""

import io
import json
import subprocess
import sys
import threading
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import PIL.Image
import structlog
from django.conf import settings
from django.core.files.base import File
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from numpy.typing import NDArray

from lib.decoding import containers, decoder
from lib.errors import Refused
from lib.images import pdq
from lib.images.borders import inside_borders

PDQ_BITS = 256
LEAST_PDQ_QUALITY = 49  # a hash needs more than this: below it PDQ takes unlike pictures for alike
NEAR_PDQ_DISTANCE = 31  # bits; another seed of the same prompt is 48 or more away

SECONDS = 20  # for one picture, with the start of its process
WAIT_SECONDS = 10  # for other pictures
AT_ONCE = threading.BoundedSemaphore(2)  # decoders of one process of ours
_PROGRAM = "import sys; sys.path.append(sys.argv[1]); from lib.decoding.decoder import main; main()"
_CODES = {"damaged": "not_a_picture"}
_REASONS: dict[str, str | Promise] = {
    "damaged": gettext_lazy("This picture is damaged. Save it again, or choose another one."),
    "too_many_pixels": gettext_lazy("This picture has too many pixels. Scale it down first."),
    "too_small": gettext_lazy("This picture is smaller than 16 pixels. Choose a larger one."),
    "too_thin": gettext_lazy(
        "This picture is too long and thin. Choose one that is less than 128 times as long as wide."
    ),
    "animated": gettext_lazy("This picture moves. Choose a still one."),
    "too_complex": gettext_lazy("This picture takes too long to open. Save it again with other settings."),
    "busy": gettext_lazy("Many pictures are being opened right now. Try again in a moment."),
}
log = structlog.get_logger(__name__)


class PdqHash(NamedTuple):
    bits: str  # 256 characters of 0 and 1, as BitField takes them
    quality: int  # 0 to 100


def hash_picture(picture: PIL.Image.Image) -> PdqHash:
    """The PDQ hash of a picture of any mode and size."""
    values, quality = pdq.compute(np.asarray(picture.convert("RGB")))
    return PdqHash(_as_text(values), int(quality))


def hash_orientations(picture: PIL.Image.Image) -> list[PdqHash]:
    """The PDQ hashes of a picture as it is, turned and mirrored: eight; as many more of what is inside a border."""
    pixels = np.asarray(picture.convert("RGB"))
    found = [pdq.compute_dihedral(each) for each in (pixels, *inside_borders(pixels))]
    return [PdqHash(_as_text(values), int(quality)) for hashes, quality in found for values in hashes]


def turn_hash(bits: str) -> list[str]:
    """The eight hashes of a picture as it is, turned and mirrored, from its hash alone: up to some 8 bits off.

    Mirroring changes the sign of every other frequency, and the median that the bits compare with is near zero.
    """
    square = np.frombuffer(bits.encode(), np.uint8).reshape(16, 16) - ord("0")
    other = np.arange(16, dtype=np.uint8) % 2
    ways = [
        way ^ (other[None, :] * columns) ^ (other[:, None] * rows)
        for way in (square, square.T)
        for columns in (0, 1)
        for rows in (0, 1)
    ]
    return [_as_text(way.ravel()) for way in ways]


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


@cache
def taken_kinds() -> list[str]:
    """The kinds of pictures that are taken here, as people call them."""
    return ["PNG", "JPEG", "WebP", "AVIF", *(["HEIC"] if decoder.heif_library() is not None else [])]


def open_picture(file: File[bytes], *, field: str = "source_file") -> PIL.Image.Image:
    """The picture in an uploaded file as RGB, upright, in sRGB, over white, at most 2048 px a side; pixels alone.

    Raises:
        Refused: with what is wrong, beside the form field `field`.
    """
    if (file.size or 0) > settings.MAX_UPLOAD_BYTES:
        words = _("This picture is larger than %(n)s MB. Choose a smaller one.")
        raise _refused("too_large", words % {"n": settings.MAX_UPLOAD_BYTES // 1_000_000}, field)
    data = file.read(settings.MAX_UPLOAD_BYTES + 1)
    kind = containers.kind_of(data)
    if kind not in taken_kinds():
        raise _refused("not_a_picture", _wrong_kind(data, kind), field)
    answer, pixels = _decoded(data, kind)
    if reason := answer.get("refused"):
        status = 503 if reason == "busy" else 400
        raise _refused(_CODES.get(reason, reason), _REASONS[reason], field, status=status)
    return PIL.Image.frombytes("RGB", (answer["width"], answer["height"]), pixels)


def open_stored(data: bytes) -> PIL.Image.Image:
    """A picture that the site itself encoded, as RGB and without the texts in its file. Never for strangers' bytes."""
    with PIL.Image.open(io.BytesIO(data)) as picture:
        pixels = picture.convert("RGB")
    pixels.info = {}
    return pixels


def _wrong_kind(data: bytes, kind: str) -> str:
    kinds = taken_kinds()
    choose = _("Choose a %(kinds)s or %(last)s.") % {"kinds": ", ".join(kinds[:-1]), "last": kinds[-1]}
    if not data:
        return _("This file is empty.") + " " + choose
    if kind:
        return _("This is a file of the kind %(kind)s, which we do not take.") % {"kind": kind} + " " + choose
    return _("This file is not a picture that we can read.") + " " + choose


def _decoded(data: bytes, kind: str) -> tuple[dict[str, Any], bytes]:
    """What the decoder answers: its line, and the pixels."""
    if not AT_ONCE.acquire(timeout=WAIT_SECONDS):
        return {"refused": "busy"}, b""
    try:
        command = [sys.executable, "-I", "-c", _PROGRAM, str(settings.BASE_DIR)]
        done = subprocess.run(command, input=data, capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        log.warning("decoder_timeout", kind=kind, bytes=len(data))
        return {"refused": "too_complex"}, b""
    finally:
        AT_ONCE.release()
    line, _newline, pixels = done.stdout.partition(b"\n")
    if done.returncode != 0 or not line:  # killed by a bound, or crashed
        log.warning("decoder_ended", kind=kind, bytes=len(data), status=done.returncode, error=done.stderr[-500:])
        return {"refused": "too_complex"}, b""
    return json.loads(line), pixels


def _refused(code: str, message: str | Promise, field: str, *, status: int = 400) -> Refused:
    return Refused(code, message, status=status, fields={field: [message]})
