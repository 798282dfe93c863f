"""Deleted pictures: the row stays as a blank, so that what refers to it still knows that there was one."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from generation.media import storage
from generation.models import Image, ImageQuerySet
from moderation.evidence.services import copy_pictures

BLANK: dict[str, Any] = {
    "prefix": "",
    "png_sha256": "",
    "jpeg_sha256": "",
    "jpeg_bytes": None,
    "rendition_hash": "",
    "rendition_widths": [],
    "thumbhash": "",
    "placeholder": "",
    "pdq": None,
    "pdq_quality": None,
    "sharpness": None,
    "saturation": None,
    "lightness": None,
    "alt_text": "",
    "is_alt_written": False,
    "failure": "",
}


def blank_images(images: ImageQuerySet, *, at: datetime) -> int:
    """Blanks the rows of `images` and deletes their files once that is committed; returns how many.

    What a case is about is copied for the moderators first.
    """
    with transaction.atomic():
        found = dict(images.select_for_update(of=("self",)).values_list("pk", "prefix"))
        copy_pictures(sources=[storage.original_name_below(prefix) for prefix in found.values() if prefix])
        ids = list(found)
        Image.objects.filter(pk__in=ids).update(deleted_at=at, is_public=False, **BLANK)
        transaction.on_commit(lambda: _delete_files(ids))
    return len(ids)


def _delete_files(ids: Sequence[int]) -> None:
    for image_id in ids:
        storage.delete_all_of(image_id=image_id)
