"""Progress of a generation: one Redis stream per generation, which its author's page follows (see `views`).

The stream is a courtesy. It is short, it expires, and losing it costs a progress bar; how an image ended is read
from PostgreSQL.
"""

import base64
import io
import json
import time
from collections.abc import Iterable
from functools import cache
from typing import Any

import PIL.Image
import redis
import structlog
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from accounts.models import Viewer
from generation.media.signing import picture
from generation.models import Image, ImageState

KEEP_EVENTS, KEEP_SECONDS = 400, 3600
PREVIEW_PIXELS = 256
WARN_SECONDS = 60.0
_warned = [-WARN_SECONDS]  # when, on the monotonic clock
log = structlog.get_logger(__name__)


@cache
def _client() -> "redis.Redis":
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, retry=Retry(NoBackoff(), 0))


def stream_of(public_id: str) -> str:
    return f"salon:generation:{public_id}"


def publish(public_id: str, event: str, data: dict[str, Any]) -> None:
    """Appends one event to a generation's stream."""
    publish_all([(public_id, event, data)])


def publish_all(sent: Iterable[tuple[str, str, dict[str, Any]]]) -> None:
    """Appends events (generation, event, data) at once; a broker that does not answer is logged, never in the way."""
    try:
        with _client().pipeline(transaction=False) as pipe:
            for public_id, event, data in sent:
                stream = stream_of(public_id)
                pipe.xadd(stream, {"event": event, "data": json.dumps(data)}, maxlen=KEEP_EVENTS, approximate=True)
                pipe.expire(stream, KEEP_SECONDS)
            pipe.execute()
    except redis.RedisError as error:
        _warn(str(error))


def _warn(error: str) -> None:
    """Once a minute: a broker that is away would fill the log with every step of every picture."""
    now = time.monotonic()
    if now - _warned[0] > WARN_SECONDS:
        _warned[0] = now
        log.warning("events_lost", error=error)


def publish_states(image_ids: Iterable[int]) -> None:
    """Publishes the present state of each of these images."""
    rows = Image.objects.filter(pk__in=list(image_ids)).select_related("generation")
    publish_all((image.generation.public_id, "image", state_of(image)) for image in rows)


def state_of(image: Image) -> dict[str, Any]:
    """What the author's page learns about an image: its state, and a sentence about it."""
    return {"image": image.public_id, "state": image.state, "message": image.message()}


def state_for(image: Image, viewer: Viewer) -> dict[str, Any]:
    """The same and where its picture is, for the author who asks: an address is signed for one session."""
    state = state_of(image)
    if image.prefix and image.state in (ImageState.READY, ImageState.HELD):
        state["url"] = picture(image, viewer_may_sign=True, viewer=viewer).src
    return state


def preview_uri(preview: PIL.Image.Image) -> str:
    """A ``data:`` URI of a picture enlarged to 256 pixels, as WebP."""
    scale = PREVIEW_PIXELS / max(preview.size)
    size = (max(1, round(preview.width * scale)), max(1, round(preview.height * scale)))
    stream = io.BytesIO()
    preview.resize(size, PIL.Image.Resampling.BICUBIC).save(stream, "WEBP", quality=50, method=0)
    return "data:image/webp;base64," + base64.b64encode(stream.getvalue()).decode()
