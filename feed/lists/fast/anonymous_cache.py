"""First pages as visitors get them from the API, kept as bytes for a few seconds: the same for all of them.

Each process keeps its own. What is kept belongs to a *door*, a random word in Valkey, which every request reads, in one
breath with the visitor's throttle: a round trip is most of what such an answer costs.
Whatever hides or shows a post (`feed.posts.visibility`) shuts the door inside its transaction and hangs a new one
when that is committed, so nothing made before can be handed out by any process, and nothing is kept meanwhile.
A process that dies in between leaves the door shut until it is forgotten.
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
from rest_framework.throttling import BaseThrottle, SimpleRateThrottle

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


class Door:
    """The door as one request finds it. It stands in for the cache of the request's first throttle."""

    def __init__(self) -> None:
        self._found: dict[str, Any] | None = None

    def get(self, key: str, default: Any = None) -> Any:
        """What the throttle asks for; reads the door as well."""
        self._found = cache.get_many((key, DOOR))
        return self._found.get(key, default)

    def set(self, key: str, value: Any, timeout: float) -> None:
        cache.set(key, value, timeout)

    def read(self) -> str | None:
        """Its word; a request that was not throttled asks now. None where there is no door."""
        if self._found is None:
            self._found = cache.get_many((DOOR,))
        word: str | None = self._found.get(DOOR)
        return word


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


def read_along(throttles: list[BaseThrottle]) -> Door:
    """The door of a request that these throttles are about to pass: the first of them brings it along."""
    door = Door()
    if throttles and isinstance(throttles[0], SimpleRateThrottle):
        throttles[0].cache = door  # type: ignore[assignment]  # all that a throttle asks of a cache
    return door


def answer(request: Request, door: Door, page: Callable[[], Any]) -> HttpResponseBase:
    """The page as JSON, from what is kept or made by `page`; 304 where the visitor has it already."""
    key = (request.scheme, request.get_host(), get_language(), *sorted(request.query_params.items()))
    word = door.read()
    if word is None:
        cache.add(DOOR, secrets.token_hex(8), DOOR_SECONDS)
    kept = _kept.get(key)
    if kept is None or not word or kept.door != word or kept.until < time.monotonic():
        body = JSONRenderer().render(page())
        until = time.monotonic() + KEPT_SECONDS
        kept = Kept(word or SHUT, until, body, quote_etag(hashlib.sha256(body).hexdigest()[:32]))
        if word:
            _keep(key, kept)
    response = HttpResponse(kept.body, content_type=JSONRenderer.media_type, headers={"ETag": kept.etag})
    return get_conditional_response(request._request, etag=kept.etag, response=response) or response


def _keep(key: tuple[Any, ...], kept: Kept) -> None:
    if len(_kept) >= MOST:
        _kept.clear()
    _kept[key] = kept
