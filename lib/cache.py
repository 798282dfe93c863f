"""Django's Valkey cache with connections that outlive a request.

Under ASGI every request has a cache object of its own, and Django's would connect and log in anew with each of them.
"""

from functools import cache
from typing import Any

import redis
from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from django.utils.functional import cached_property

TIMEOUTS: dict[str, Any] = {"socket_connect_timeout": 2, "socket_timeout": 5}  # seconds; a page waits for them


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
