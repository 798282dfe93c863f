"""First pages as visitors get them from the API, kept as bytes for a few seconds: the same for all of them.

What is kept belongs to a *door*, a random word in Valkey. Whatever hides or shows a post (`feed.display`) shuts the
door inside its transaction and hangs a new one when that is committed, so nothing made before can be handed out, and
nothing is kept meanwhile. A process that dies in between leaves the door shut until it is forgotten.
"""

import hashlib
import secrets
from collections.abc import Callable
from typing import Any, NamedTuple

from django.core.cache import cache
from django.db import transaction
from django.http import HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from django.utils.translation import get_language
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from accounts.models import User

KEPT_SECONDS = 5
SHUT_SECONDS = 60  # longer than a transaction takes
DOOR_SECONDS = 24 * 3_600
DOOR, SHUT = "feed:visitors:door", ""
NAMES = {"sort", "window", "aspect"}


class Kept(NamedTuple):
    door: str
    body: bytes
    etag: str


def shut() -> None:
    """Call inside the transaction that hides or shows something, before or after doing so."""
    cache.set(DOOR, SHUT, SHUT_SECONDS)
    transaction.on_commit(lambda: cache.set(DOOR, secrets.token_hex(8), DOOR_SECONDS))


def may_keep(request: Request) -> bool:
    """Whether this is a visitor's plain question for a first page: any other has too many answers to keep."""
    asked = request.query_params
    is_plain = NAMES.issuperset(asked) and all(len(values) == 1 for _name, values in asked.lists())
    return is_plain and not isinstance(request.user, User) and request.accepted_media_type == JSONRenderer.media_type


def answer(request: Request, page: Callable[[], Any]) -> HttpResponseBase:
    """The page as JSON, from what is kept or made by `page`; 304 where the visitor has it already."""
    key = _key(request)
    found = cache.get_many([DOOR, key])
    door: str | None = found.get(DOOR)
    kept: Kept | None = found.get(key)
    if door is None:
        cache.add(DOOR, secrets.token_hex(8), DOOR_SECONDS)
    if kept is None or not door or kept.door != door:
        body = JSONRenderer().render(page())
        kept = Kept(door or SHUT, body, quote_etag(hashlib.sha256(body).hexdigest()[:32]))
        if door:
            cache.set(key, kept, KEPT_SECONDS)
    response = HttpResponse(kept.body, content_type=JSONRenderer.media_type, headers={"ETag": kept.etag})
    return get_conditional_response(request._request, etag=kept.etag, response=response) or response


def _key(request: Request) -> str:
    parts = (request.scheme, request.get_host(), get_language(), sorted(request.query_params.items()))
    return f"feed:visitors:{hashlib.sha256(repr(parts).encode()).hexdigest()[:24]}"
