"""One limiter for services and the API: a sliding window in Valkey."""

import pytest
import redis.exceptions
from django.conf import settings as django_settings
from pytest_django.fixtures import Settings
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from lib.errors import Refused
from lib.limits import VisitorThrottle, check_rate


def is_refused(key: str, limit: int, seconds: int) -> bool:
    try:
        check_rate(key=key, limit=limit, seconds=seconds)
    except Refused:
        return True
    return False


def test_one_use_too_many_is_refused_with_the_time_to_wait_and_no_other_key_suffers() -> None:
    for _ in range(3):
        check_rate(key="x", limit=3, seconds=60)
    with pytest.raises(Refused) as refused:
        check_rate(key="x", limit=3, seconds=60)
    assert (refused.value.code, refused.value.status) == ("too_many", 429)
    assert refused.value.message in {f"That was too often. Try again in {n} seconds." for n in range(50, 61)}
    check_rate(key="y", limit=3, seconds=60)


def test_a_use_refused_in_the_first_millisecond_of_a_window_waits_for_the_whole_window() -> None:
    check_rate(key="x", limit=1, seconds=60)
    with redis.Redis.from_url(django_settings.REDIS_URL) as client:
        (key,) = client.scan_iter("rate:*")
        for _ in range(20):
            client.pexpire(key, 2 * 60_000)  # as at the first use: a window is kept for twice its length
            with pytest.raises(Refused, match="Try again in 60 seconds"):
                check_rate(key="x", limit=1, seconds=60)


def pass_seconds(seconds: int) -> None:
    """Moves every window as far as this time would; they end by the expiry of their keys."""
    with redis.Redis.from_url(django_settings.REDIS_URL) as client:
        for key in client.scan_iter("rate:*"):
            client.pexpire(key, client.pttl(key) - 1000 * seconds)


def test_the_window_slides() -> None:
    """Shortly after a full window its uses still count nearly in full; near the end of the next, hardly."""
    assert [is_refused("x", 4, 60) for _ in range(5)] == [False] * 4 + [True]
    pass_seconds(61)
    assert [is_refused("x", 4, 60) for _ in range(2)] == [False, True]
    pass_seconds(55)
    assert [is_refused("x", 4, 60) for _ in range(4)] == [False] * 3 + [True]


def test_without_valkey_the_error_goes_up(settings: Settings) -> None:
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:9/0"}
    }
    with pytest.raises(redis.exceptions.ConnectionError):
        check_rate(key="x", limit=3, seconds=60)


def test_the_api_is_throttled_by_the_same_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(VisitorThrottle, "rate", "2/min", raising=False)
    request = Request(APIRequestFactory().get("/api/"))
    throttle = VisitorThrottle()
    assert [throttle.allow_request(request, APIView()) for _ in range(3)] == [True, True, False]
    assert 0 < throttle.wait() <= 60


def test_a_throttle_without_a_rate_lets_everything_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(VisitorThrottle, "rate", None, raising=False)
    assert VisitorThrottle().allow_request(Request(APIRequestFactory().get("/api/")), APIView())
