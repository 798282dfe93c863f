"""First pages as visitors get them from the API, kept as bytes for a few seconds: the same for all of them.

Each process keeps its own. What is kept belongs to a *door*, a random word in Valkey, which every request reads.
Whatever hides or shows a post (`feed.display`) shuts the door inside its transaction and hangs a new one when that is
committed, so nothing made before can be handed out by any process, and nothing is kept meanwhile. A process that dies
in between leaves the door shut until it is forgotten.
"""

import hashlib
import secrets
import time
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
MOST = 64  # lists and host names of which a process keeps pages


class Kept(NamedTuple):
    door: str
    until: float  # of time.monotonic
    body: bytes
    etag: str


_kept: dict[tuple[Any, ...], Kept] = {}


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
    key = (request.scheme, request.get_host(), get_language(), *sorted(request.query_params.items()))
    door: str | None = cache.get(DOOR)
    if door is None:
        cache.add(DOOR, secrets.token_hex(8), DOOR_SECONDS)
    kept = _kept.get(key)
    if kept is None or not door or kept.door != door or kept.until < time.monotonic():
        body = JSONRenderer().render(page())
        until = time.monotonic() + KEPT_SECONDS
        kept = Kept(door or SHUT, until, body, quote_etag(hashlib.sha256(body).hexdigest()[:32]))
        if door:
            _keep(key, kept)
    response = HttpResponse(kept.body, content_type=JSONRenderer.media_type, headers={"ETag": kept.etag})
    return get_conditional_response(request._request, etag=kept.etag, response=response) or response


def _keep(key: tuple[Any, ...], kept: Kept) -> None:
    if len(_kept) >= MOST:
        _kept.clear()
    _kept[key] = kept
