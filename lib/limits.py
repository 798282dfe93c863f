"""Rate limits: one sliding window, counted in Valkey by the `limits` package.

Without Valkey a limit cannot be checked: requests to the API that only read pass, everything else is answered with 503.
"""

import math
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

import redis
from django.core.cache import cache
from django.utils.translation import ngettext
from limits import RateLimitItemPerSecond
from limits.storage import RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from rest_framework.request import Request
from rest_framework.throttling import AnonRateThrottle, SimpleRateThrottle, UserRateThrottle

from lib.cache import cache_is_optional
from lib.errors import Refused
from lib.http import client_network

if TYPE_CHECKING:
    from rest_framework.views import APIView  # its class body loads this module, by DEFAULT_THROTTLE_CLASSES


def check_rate(*, key: str, limit: int, seconds: int) -> None:
    """Counts one use of `key`.

    Args:
        key: who does what, such as ``"feed:like:17"``; one key always has the same `limit` and `seconds`.
        limit: uses allowed in any `seconds`; the count of the window before weighs in by its part still in reach.

    Raises:
        Refused: 429, with the time to wait; a refused use is not counted.
    """
    wait = _use(key, limit, seconds)
    if wait:
        raise Refused("too_many", _too_many(wait), status=429)


def _use(key: str, limit: int, seconds: int) -> int:
    """Counts one use of `key`; 0 if it was allowed, else the seconds until the window allows one again."""
    limiter, item = _limiter(), RateLimitItemPerSecond(limit, seconds)
    if limiter.hit(item, key):
        return 0
    wait = math.ceil(limiter.get_window_stats(item, key).reset_time - time.time())
    return wait if wait > 0 else seconds  # limits takes a window in its first millisecond for one that has just ended


def _limiter() -> SlidingWindowCounterRateLimiter:
    """The limiter on the connections that Django's cache has open already."""
    client: redis.Redis = cast(Any, cache)._cache.get_client(write=True)
    return _limiter_on(client.connection_pool)


@lru_cache(maxsize=4)
def _limiter_on(pool: redis.ConnectionPool) -> SlidingWindowCounterRateLimiter:
    # The address only says which client library to use: the pool knows where Valkey is.
    return SlidingWindowCounterRateLimiter(RedisStorage("redis://", connection_pool=pool, key_prefix="rate"))


def _too_many(seconds: int) -> str:
    if seconds < 120:
        return ngettext(
            "That was too often. Try again in %(n)s second.", "That was too often. Try again in %(n)s seconds.", seconds
        ) % {"n": seconds}
    minutes = -(-seconds // 60)
    return ngettext(
        "That was too often. Try again in %(n)s minute.", "That was too often. Try again in %(n)s minutes.", minutes
    ) % {"n": minutes}


class _SlidingThrottle(SimpleRateThrottle):
    """A throttle of Django REST framework that counts as `check_rate` does, by the client's network."""

    num_requests: int | None  # set by SimpleRateThrottle
    duration: int | None
    _wait = 0

    def get_ident(self, request: Request) -> str:
        return client_network(request)

    def allow_request(self, request: Request, view: "APIView") -> bool:
        key = self.get_cache_key(request, view) if self.rate is not None else None
        if key is None:
            return True
        assert self.num_requests is not None
        assert self.duration is not None
        try:
            self._wait = _use(key, self.num_requests, self.duration)
        except (redis.ConnectionError, redis.TimeoutError, redis.exceptions.OutOfMemoryError):
            if not cache_is_optional():
                raise
            self._wait = 0
        return not self._wait

    def wait(self) -> float:
        return self._wait


class VisitorThrottle(_SlidingThrottle, AnonRateThrottle):
    """Requests to the API without a token, by address."""


class MemberThrottle(_SlidingThrottle, UserRateThrottle):
    """Requests to the API by one member."""
