"""Pictures that members bring: verified, re-encoded and screened before a byte of them is kept."""

import hashlib
import io
import warnings
from datetime import datetime

import PIL.Image
import PIL.ImageOps
from django.conf import settings
from django.core.files.base import File
from django.utils.translation import gettext as _

from accounts.models import User
from generation.media import storage
from generation.models import Upload
from lib.errors import Refused
from lib.ids import new_public_id
from moderation.cases.services import record_screening
from moderation.models import Screening
from moderation.screening.services import screen_image

FORMATS = ("PNG", "JPEG", "WEBP", "AVIF")
LEAST_SIDE, MOST_PIXELS, KEPT_SIDE, PREVIEW_SIDE = 16, 24_000_000, 2048, 256


def keep_upload(*, author: User, file: File[bytes], at: datetime) -> Upload:
    """Keeps a picture as a PNG of at most 2048 px a side, without the metadata it came with.

    Raises:
        Refused: it is too large, no picture that we read, damaged, or refused by moderation.
    """
    picture = open_picture(file)
    verdict = screen_image(image=picture)
    if verdict.verdict != Screening.Verdict.ALLOW:
        record_screening(verdict=verdict, author=author, at=at)
        raise _refused("source_refused", verdict.message or _("This picture cannot be used. Choose another one."))
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    public_id = new_public_id()
    name = f"uploads/{public_id}.png"
    storage.write(name, stream.getvalue())
    return Upload.objects.create(
        public_id=public_id,
        author=author,
        file=name,
        sha256=hashlib.sha256(stream.getvalue()).hexdigest(),
        width=picture.width,
        height=picture.height,
        content_level=verdict.level,
        created_at=at,
    )


def preview_of(upload: Upload) -> bytes:
    """A WebP of at most 256 px a side; raises FileNotFoundError where the file is gone."""
    picture = PIL.Image.open(io.BytesIO(storage.read(upload.file)))
    picture.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
    stream = io.BytesIO()
    picture.save(stream, "WEBP")
    return stream.getvalue()


def open_picture(file: File[bytes]) -> PIL.Image.Image:
    """The picture in an uploaded file as RGB, upright, at most 2048 px a side; raises Refused with what is wrong.

    Size and dimensions are looked at before anything is decoded: a small file can hold a billion pixels.
    """
    if file.size > settings.MAX_UPLOAD_BYTES:
        limit = settings.MAX_UPLOAD_BYTES // 1_000_000
        raise _refused("too_large", _("The picture is larger than %(n)s MB. Choose a smaller one.") % {"n": limit})
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", PIL.Image.DecompressionBombWarning)
            picture = PIL.Image.open(io.BytesIO(file.read()), formats=FORMATS)
            if picture.width * picture.height > MOST_PIXELS:
                raise _refused("too_many_pixels", _("The picture has too many pixels. Scale it down first."))
            upright = PIL.ImageOps.exif_transpose(picture).convert("RGB")
    except (OSError, ValueError, SyntaxError, PIL.Image.DecompressionBombError, PIL.Image.DecompressionBombWarning):
        message = _("This file is not a picture that we can read. Choose a PNG, JPEG, WebP or AVIF.")
        raise _refused("not_a_picture", message) from None
    if min(upright.size) < LEAST_SIDE:
        raise _refused("too_small", _("The picture is smaller than 16 pixels. Choose a larger one."))
    upright.thumbnail((KEPT_SIDE, KEPT_SIDE))
    return upright


def _refused(code: str, message: str) -> Refused:
    return Refused(code, message, fields={"source_file": [message]})
