"""Server-sent events of one generation, for its author."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any

import redis
import redis.asyncio
import structlog
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import close_old_connections
from django.http import Http404, HttpRequest, JsonResponse, StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from accounts.models import Viewer
from accounts.tokens.authentication import TokenAuthentication
from accounts.tokens.scopes import Scope
from generation.models import PENDING, Generation, Image
from generation.queue import events
from generation.queue.queries import next_place
from lib.text.regex import compile_linear

BLOCK_MS = 2000  # PostgreSQL is asked this often while the stream is silent
STREAM_SECONDS = 600  # then the browser connects again
_ID = compile_linear("[0-9]{1,15}-[0-9]{1,10}")
log = structlog.get_logger(__name__)


@require_GET
async def follow(request: HttpRequest, public_id: str) -> StreamingHttpResponse | JsonResponse:
    """Server-sent events of one generation, for its author (by session or token); goes on after ``Last-Event-ID``."""
    try:
        user = await _viewer(request)
    except (AuthenticationFailed, PermissionDenied) as error:
        body = {"code": error.get_codes(), "detail": str(error.detail), "fields": {}}
        return JsonResponse(body, status=403 if isinstance(error, PermissionDenied) else 401)
    generation = await Generation.objects.visible_to(user).filter(public_id=public_id).afirst()
    if generation is None:
        raise Http404
    last = request.headers.get("Last-Event-ID", "")
    messages = _messages(generation, user, last if _ID.fullmatch(last) else "0")
    response = StreamingHttpResponse(messages, content_type="text/event-stream")
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"  # nginx would hold events back
    return response


class _Stream:
    """What a token needs to follow a generation."""

    token_scope = Scope.READ


async def _viewer(request: HttpRequest) -> Viewer:
    """The member of the session, else of the API token.

    Raises:
        AuthenticationFailed, PermissionDenied: as TokenAuthentication does.
    """
    user = await request.auser()
    if user.is_authenticated or "Authorization" not in request.headers:
        return user
    asked = Request(request, parser_context={"view": _Stream})
    found = await sync_to_async(TokenAuthentication().authenticate)(asked)
    return user if found is None else found[0]


async def _messages(generation: Generation, author: Viewer, last: str) -> AsyncIterator[bytes]:
    """The events after `last`, old and new, until every image has ended or the time is up."""
    client = redis.asyncio.Redis.from_url(settings.REDIS_URL)
    ends = asyncio.get_running_loop().time() + STREAM_SECONDS
    yield b"retry: 2000\n\n"
    try:
        while asyncio.get_running_loop().time() < ends:
            # PostgreSQL first: whatever ends after this look is still to come on the stream.
            now = await sync_to_async(_snapshot)(generation.pk, author)
            received: Any = await client.xread(
                {events.stream_of(generation.public_id): last}, count=100, block=None if now.is_over else BLOCK_MS
            )
            for _stream, entries in received:
                for entry, fields in entries:
                    last = entry.decode()
                    event, data = fields[b"event"].decode(), fields[b"data"].decode()
                    if event == "image":
                        data = await sync_to_async(_with_address)(data, generation.pk, author)
                    yield _message(event, data, last)
            if now.is_over and not received:
                for state in now.states:
                    yield _message("image", json.dumps(state))
                yield _message("done", "{}")
                return
            if not received:
                yield b": still here\n\n" if now.place is None else _message("queue", json.dumps(now.place))
    except redis.RedisError as error:
        log.warning("events_ended", generation=generation.public_id, error=str(error))
    finally:
        await client.aclose()


def _message(event: str, data: str, entry: str = "") -> bytes:
    """One event; those without an entry of the stream leave the browser's Last-Event-ID as it is."""
    lines = [f"id: {entry}"] if entry else []
    return ("\n".join([*lines, f"event: {event}", f"data: {data}"]) + "\n\n").encode()


class _Snapshot:
    """The images of a generation as PostgreSQL has them."""

    def __init__(self, images: list[Image], author: Viewer) -> None:
        self.is_over = all(image.state not in PENDING for image in images)
        self.states = [events.state_for(image, author) for image in images]
        place = next_place(images, at=timezone.now())
        self.place = None if place is None else asdict(place)


def _with_address(data: str, generation_id: int, author: Viewer) -> str:
    """The state of an image as the stream has it, with the address that this viewer's session opens."""
    state = json.loads(data)
    state.pop("url", None)  # a worker of an older version signed it for everybody
    try:
        image = Image.objects.filter(generation_id=generation_id, public_id=state["image"]).first()
        if image is not None and image.state == state["state"]:
            state |= events.state_for(image, author)
    finally:
        close_old_connections()
    return json.dumps(state)


def _snapshot(generation_id: int, author: Viewer) -> _Snapshot:
    try:
        return _Snapshot(list(Image.objects.filter(generation_id=generation_id).order_by("position")), author)
    finally:
        close_old_connections()  # a stream is open for minutes and must not hold a connection of the pool
