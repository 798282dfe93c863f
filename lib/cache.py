"""Django's Valkey cache with connections that outlive a request, and reading that survives its absence.

Under ASGI every request has a cache object of its own, and Django's would connect and log in anew with each of them.
"""

import functools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

import redis
import structlog
from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from django.utils.functional import cached_property

TIMEOUTS: dict[str, Any] = {"socket_connect_timeout": 2, "socket_timeout": 5}  # seconds; a page waits for them

AWAY_SECONDS = 2.0  # a cache that did not answer is left alone for so long by those who can do without it
_is_optional: ContextVar[bool] = ContextVar("cache_is_optional", default=False)
log = structlog.get_logger(__name__)


@contextmanager
def optional_cache(*, optional: bool = True) -> Iterator[None]:
    """In this block a cache that is away remembers nothing: reads miss, and writes are lost. Elsewhere it raises."""
    before = _is_optional.set(optional)
    try:
        yield
    finally:
        _is_optional.reset(before)


def cache_is_optional() -> bool:
    """Whether the caller can do without the cache."""
    return _is_optional.get()


class SharedClient(RedisCacheClient):
    """For all threads and requests of a process: what is below it (redis-py's client and pool) is safe to share."""

    def __init__(self, servers: list[str], **options: Any) -> None:
        super().__init__(servers, **TIMEOUTS, **options)
        self._clients: dict[int, redis.Redis] = {}

    def get_client(self, key: Any = None, *, write: bool = False) -> redis.Redis:
        index = self._get_connection_pool_index(write)  # type: ignore[attr-defined]  # not in django-stubs
        if index not in self._clients:
            self._clients[index] = super().get_client(key, write=write)
        return self._clients[index]


@cache
def client_of(*servers: str) -> SharedClient:
    return SharedClient(list(servers))


class ValkeyCache(RedisCache):
    """`LOCATION` alone; OPTIONS of the client are refused, for one client serves all."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        if self._options:  # type: ignore[attr-defined]  # not in django-stubs
            raise ValueError("ValkeyCache takes no OPTIONS.")

    @cached_property
    def _cache(self) -> SharedClient:
        return client_of(*self._servers)  # type: ignore[attr-defined]  # not in django-stubs

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        return self._try(functools.partial(super().get, key, default, version), default)

    def get_many(self, keys: Any, version: int | None = None) -> dict[Any, Any]:
        found: dict[Any, Any] = self._try(functools.partial(super().get_many, keys, version), {})
        return found

    def has_key(self, key: Any, version: int | None = None) -> bool:
        return bool(self._try(functools.partial(super().has_key, key, version), False))

    def add(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        return bool(self._try(functools.partial(super().add, key, value, timeout, version), True))

    def set(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        self._try(functools.partial(super().set, key, value, timeout, version), None)

    def set_many(self, data: dict[Any, Any], timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> list[Any]:
        return list(self._try(functools.partial(super().set_many, data, timeout, version), []))

    def delete(self, key: Any, version: int | None = None) -> bool:
        return bool(self._try(functools.partial(super().delete, key, version), False))

    def delete_many(self, keys: Any, version: int | None = None) -> None:
        self._try(functools.partial(super().delete_many, keys, version), None)

    def _try(self, call: Callable[[], Any], otherwise: Any) -> Any:
        if not cache_is_optional():
            return call()
        if time.monotonic() < _away_until[0]:
            return otherwise
        try:
            return call()
        except (redis.ConnectionError, redis.TimeoutError) as error:
            _away_until[0] = time.monotonic() + AWAY_SECONDS
            log.warning("cache_away", error=str(error))
            return otherwise
        except redis.exceptions.OutOfMemoryError as error:  # full: it still answers what it holds
            log.warning("cache_full", error=str(error))
            return otherwise


_away_until = [0.0]  # of time.monotonic, in this process
