"""Pictures that members upload to start from: verified, re-encoded and screened before anything is kept."""

import hashlib
import io
from datetime import datetime

import PIL.Image
from django.utils.translation import gettext as _

from accounts.models import User
from generation.media import storage
from generation.models import Upload
from lib.errors import Refused
from lib.ids import new_public_id
from lib.images import open_stored
from moderation.cases.services import record_screening
from moderation.models import Screening
from moderation.screening.services import screen_image

PREVIEW_SIDE = 256


def keep_upload(*, author: User, picture: PIL.Image.Image, at: datetime, field: str = "source_file") -> Upload:
    """Keeps a picture that `open_picture` read, as a PNG without any metadata.

    Args:
        field: of the form, beside which a refusal stands.

    Raises:
        Refused: moderation refuses it.
    """
    verdict = screen_image(image=picture)
    if verdict.verdict != Screening.Verdict.ALLOW:
        record_screening(verdict=verdict, author=author, at=at)
        message = verdict.message or _("We cannot use this picture. Choose another one.")
        raise Refused("source_refused", message, fields={field: [message]})
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
    picture = open_stored(storage.read(upload.file))
    picture.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
    stream = io.BytesIO()
    picture.save(stream, "WEBP")
    return stream.getvalue()
