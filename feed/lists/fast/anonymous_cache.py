"""Caches first pages of the API for visitors, as bytes for a few seconds: they are the same for all visitors.

Each process keeps its own pages. A page is valid for one *cache version*, a random word in Valkey that every request
reads: one round trip, which is most of what such a response costs.
Whatever hides or shows a post calls `invalidate` inside its transaction: there is no valid version until the commit,
and a new one afterwards, so no process can serve what it made before. If a process dies in between, nothing is cached
until the invalid version expires.
"""

import hashlib
import secrets
import time
from collections.abc import Callable, Sequence
from datetime import datetime
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
INVALID_SECONDS = 60  # longer than a transaction takes
VERSION_SECONDS = 24 * 3_600
VERSION_KEY, INVALID = "feed:visitors:door", ""
PARAMETERS = {"sort", "window", "aspect"}
MOST_PAGES = 64  # lists and host names of which a process keeps pages


class CachedPage(NamedTuple):
    version: str
    until: float  # of time.monotonic
    body: bytes
    etag: str


_pages: dict[tuple[Any, ...], CachedPage] = {}


def invalidate() -> None:
    """Ends the current version. Call inside the transaction that hides or shows posts, before or after doing so."""
    cache.set(VERSION_KEY, INVALID, INVALID_SECONDS)
    transaction.on_commit(lambda: cache.set(VERSION_KEY, secrets.token_hex(8), VERSION_SECONDS))


def on_visibility_change(_post_ids: Sequence[int], _at: datetime) -> None:
    """Posts appeared or vanished (POST_VISIBILITY_HOOKS)."""
    invalidate()


def is_cacheable(request: Request) -> bool:
    """Whether a visitor asks for a first page with known parameters: anything else has too many answers to keep."""
    asked = request.query_params
    is_plain = PARAMETERS.issuperset(asked) and all(len(values) == 1 for _name, values in asked.lists())
    return is_plain and not isinstance(request.user, User) and request.accepted_media_type == JSONRenderer.media_type


def respond(request: Request, make_page: Callable[[], Any]) -> HttpResponseBase:
    """Responds with the cached page, or with one that `make_page` makes; 304 if the visitor has it already."""
    key = (request.scheme, request.get_host(), get_language(), *sorted(request.query_params.items()))
    version: str | None = cache.get(VERSION_KEY)
    if version is None:
        cache.add(VERSION_KEY, secrets.token_hex(8), VERSION_SECONDS)
    page = _pages.get(key)
    if page is None or not version or page.version != version or page.until < time.monotonic():
        body = JSONRenderer().render(make_page())
        until = time.monotonic() + KEPT_SECONDS
        page = CachedPage(version or INVALID, until, body, quote_etag(hashlib.sha256(body).hexdigest()[:32]))
        if version:
            _keep(key, page)
    response = HttpResponse(page.body, content_type=JSONRenderer.media_type, headers={"ETag": page.etag})
    return get_conditional_response(request._request, etag=page.etag, response=response) or response


def _keep(key: tuple[Any, ...], page: CachedPage) -> None:
    if len(_pages) >= MOST_PAGES:
        _pages.clear()
    _pages[key] = page
