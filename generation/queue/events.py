"""What happens to a generation, told as it happens: one Redis stream per generation, and the view that follows it.

The stream is a courtesy. It is short, it expires, and losing it costs a progress bar; how an image ended is read
from PostgreSQL.
"""

import asyncio
import base64
import io
import json
import re
from collections.abc import AsyncIterator, Iterable
from functools import cache
from typing import Any

import PIL.Image
import redis
import redis.asyncio
import structlog
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import close_old_connections
from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from generation.media.storage import picture
from generation.models import PENDING, Generation, Image, ImageState
from generation.presentation import words_for
from generation.queue.wakeup import place_in_queue

KEEP_EVENTS, KEEP_SECONDS = 400, 3600
BLOCK_MS = 2000  # the view looks at PostgreSQL this often while nothing is said
STREAM_SECONDS = 600  # then the browser connects again
PREVIEW_PIXELS = 256
_ID = re.compile(r"\d{1,15}-\d{1,10}\Z", re.ASCII)
log = structlog.get_logger(__name__)


@cache
def _client() -> "redis.Redis":
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2)


def stream_of(public_id: str) -> str:
    return f"salon:generation:{public_id}"


def publish(public_id: str, event: str, data: dict[str, Any]) -> None:
    """Appends one event to a generation's stream; a broker that does not answer is logged, never in the way."""
    stream = stream_of(public_id)
    try:
        with _client().pipeline(transaction=False) as pipe:
            pipe.xadd(stream, {"event": event, "data": json.dumps(data)}, maxlen=KEEP_EVENTS, approximate=True)
            pipe.expire(stream, KEEP_SECONDS)
            pipe.execute()
    except redis.RedisError as error:
        log.warning("event_lost", generation=public_id, kind=event, error=str(error))


def publish_states(image_ids: Iterable[int]) -> None:
    """Tells the streams of these images what state each is in now."""
    rows = Image.objects.filter(pk__in=list(image_ids)).select_related("generation")
    for image in rows:
        publish(image.generation.public_id, "image", state_of(image))


def state_of(image: Image) -> dict[str, Any]:
    """What the author's page is told about an image: its state, words for it, and where its picture is."""
    told = {"image": image.public_id, "state": image.state, "message": words_for(image)}
    if image.prefix and image.state in (ImageState.READY, ImageState.HELD):
        told["url"] = picture(image, viewer_may_sign=True).src
    return told


def preview_uri(preview: PIL.Image.Image) -> str:
    """A ``data:`` URI of a picture enlarged to 256 pixels, as WebP."""
    scale = PREVIEW_PIXELS / max(preview.size)
    size = (max(1, round(preview.width * scale)), max(1, round(preview.height * scale)))
    stream = io.BytesIO()
    preview.resize(size, PIL.Image.Resampling.BICUBIC).save(stream, "WEBP", quality=50, method=0)
    return "data:image/webp;base64," + base64.b64encode(stream.getvalue()).decode()


@require_GET
async def follow(request: HttpRequest, public_id: str) -> StreamingHttpResponse:
    """Server-sent events of one generation, for its author; goes on after ``Last-Event-ID``."""
    user = await request.auser()
    generation = await Generation.objects.visible_to(user).filter(public_id=public_id).afirst()
    if generation is None:
        raise Http404
    last = request.headers.get("Last-Event-ID", "")
    events = _events(generation, last if _ID.match(last) else "0")
    response = StreamingHttpResponse(events, content_type="text/event-stream")
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"  # nginx would hold events back
    return response


async def _events(generation: Generation, last: str) -> AsyncIterator[bytes]:
    """What was said since `last`, then what is said, until every image has ended or the time is up."""
    client = redis.asyncio.Redis.from_url(settings.REDIS_URL)
    ends = asyncio.get_running_loop().time() + STREAM_SECONDS
    yield b"retry: 2000\n\n"
    try:
        while asyncio.get_running_loop().time() < ends:
            # PostgreSQL first: whatever ends after this reading is still to come on the stream.
            now = await sync_to_async(_reading)(generation.pk)
            heard: Any = await client.xread(
                {stream_of(generation.public_id): last}, count=100, block=None if now.is_over else BLOCK_MS
            )
            for _stream, entries in heard:
                for entry, fields in entries:
                    last = entry.decode()
                    yield _message(fields[b"event"].decode(), fields[b"data"].decode(), last)
            if now.is_over and not heard:
                for state in now.states:
                    yield _message("image", json.dumps(state))
                yield _message("done", "{}")
                return
            if not heard:
                yield b": still here\n\n" if now.place is None else _message("queue", json.dumps(now.place))
    except redis.RedisError as error:
        log.warning("events_ended", generation=generation.public_id, error=str(error))
    finally:
        await client.aclose()


def _message(event: str, data: str, entry: str = "") -> bytes:
    """One event; those without an entry of the stream leave the browser's Last-Event-ID as it is."""
    lines = [f"id: {entry}"] if entry else []
    return ("\n".join([*lines, f"event: {event}", f"data: {data}"]) + "\n\n").encode()


class _Reading:
    """How the images of a generation stand in PostgreSQL."""

    def __init__(self, images: list[Image]) -> None:
        self.is_over = all(image.state not in PENDING for image in images)
        self.states = [state_of(image) for image in images]
        waiting = [image for image in images if image.state == ImageState.QUEUED]
        started = len(waiting) < len([image for image in images if image.state in PENDING])
        self.place = None if started or not waiting else place_in_queue(waiting[0], at=timezone.now())


def _reading(generation_id: int) -> _Reading:
    try:
        return _Reading(list(Image.objects.filter(generation_id=generation_id).order_by("position")))
    finally:
        close_old_connections()  # a stream is open for minutes and must not hold a connection of the pool
