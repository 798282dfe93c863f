"""Measures how pictures look that were drawn before it was measured when they are encoded."""

import structlog

from generation.media import storage
from generation.models import Image, ImageState
from lib.images import open_stored
from lib.images.appearance import appearance_of

RANGE = 200
log = structlog.get_logger(__name__)


def measure_pictures(*, first_id: int) -> int | None:
    """Measures one range of pictures from `first_id`; returns where to go on, None at the end.

    One whose file cannot be read is passed over, and tried again when the next round begins.
    """
    unmeasured = Image.objects.filter(pk__gte=first_id, sharpness=None, state=ImageState.READY, deleted_at=None)
    found = list(unmeasured.order_by("pk")[:RANGE])
    for image in found:
        try:
            seen = appearance_of(open_stored(storage.original_png(image)))
        except Exception as error:  # noqa: BLE001 - whatever a store raises
            log.warning("picture_not_measured", image=image.pk, error=str(error))
            continue
        Image.objects.filter(pk=image.pk, deleted_at=None).update(**seen._asdict())
    return found[-1].pk + 1 if len(found) == RANGE else None
