"""Reading goes on while Valkey is away: slower, and without what only it knows."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from lib.cache import optional_cache


class ReadingMiddleware:
    """Requests that only read can do without the cache; all others end in 503 when it does not answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with optional_cache(optional=request.method in ("GET", "HEAD")):
            return self._get_response(request)
