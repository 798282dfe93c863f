"""The cache's connections outlive the request that opened them."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.cache import caches

from lib.cache import ValkeyCache


def connection_of_a_new_request() -> int:
    """The number that Valkey gives to the connection which a request's own cache object uses."""
    backend = caches.create_connection("default")
    assert isinstance(backend, ValkeyCache)
    return int(backend._cache.get_client().client_id())


def test_the_next_request_finds_a_connection_open_in_whatever_thread_it_runs() -> None:
    first = connection_of_a_new_request()
    assert connection_of_a_new_request() == first
    with ThreadPoolExecutor(1) as threads:
        assert threads.submit(connection_of_a_new_request).result() == first


def test_options_that_one_client_for_all_would_ignore_are_refused() -> None:
    with pytest.raises(ValueError, match="OPTIONS"):
        ValkeyCache("redis://127.0.0.1:9/0", {"OPTIONS": {"db": 1}})
