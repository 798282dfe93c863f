"""Pictures that members upload to start from: verified and re-encoded before anything is kept, checked by a task."""

import hashlib
import io
from datetime import datetime

import PIL.Image

from accounts.models import User
from generation.media import storage
from generation.models import Upload
from lib.ids import new_public_id
from lib.images import open_stored
from lib.tasks import enqueue_on_commit

PREVIEW_SIDE = 256


def keep_upload(*, author: User, picture: PIL.Image.Image, at: datetime) -> Upload:
    """Keeps a picture that `open_picture` read, as a PNG without any metadata, and requests its check."""
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    public_id = new_public_id()
    name = f"uploads/{public_id}.png"
    storage.write(name, stream.getvalue())
    upload = Upload.objects.create(
        public_id=public_id,
        author=author,
        file=name,
        sha256=hashlib.sha256(stream.getvalue()).hexdigest(),
        width=picture.width,
        height=picture.height,
        created_at=at,
    )
    enqueue_on_commit("generation.check_upload", upload.pk)  # by name: the queue draws from uploads
    return upload


def preview_of(upload: Upload) -> bytes:
    """A WebP of at most 256 px a side; raises FileNotFoundError where the file is gone."""
    picture = open_stored(storage.read(upload.file))
    picture.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
    stream = io.BytesIO()
    picture.save(stream, "WEBP")
    return stream.getvalue()
