"""Whose request it is: X-Forwarded-For is believed as far as our own proxies wrote it."""

import pytest
from django.test import Client, RequestFactory
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from accounts.models import User
from lib.http import client_address, client_network
from lib.limits import VisitorThrottle
from tests.conftest import PASSWORD

PEER = "10.0.0.7"


def address_by(forwarded: str | None, peer: str = PEER) -> str:
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    return client_address(RequestFactory().get("/", headers=headers, REMOTE_ADDR=peer))


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "203.0.113.9", PEER),  # nobody of ours wrote that
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "198.51.100.1, 203.0.113.9", "203.0.113.9"),  # the visitor wrote the first
        (2, "198.51.100.1, 203.0.113.9, 10.0.0.6", "203.0.113.9"),
        (2, "198.51.100.1", PEER),  # past the outer proxy
        (1, "", PEER),
        (1, "198.51.100.1, rubbish", PEER),
        (1, None, PEER),
        (1, " 2001:DB8::1 ", "2001:db8::1"),
        (1, "::ffff:203.0.113.9", "203.0.113.9"),
    ],
)
def test_the_header_counts_as_far_as_our_proxies_wrote_it(
    proxies: int, forwarded: str | None, address: str, settings: Settings
) -> None:
    settings.NUM_PROXIES = proxies
    assert address_by(forwarded) == address


def test_a_household_has_one_limit_whatever_it_makes_of_its_addresses(rf: RequestFactory) -> None:
    one, other, far = (
        client_network(rf.get("/", REMOTE_ADDR=address))
        for address in ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:3::1")
    )
    assert one == other != far
    for address in ("203.0.113.9", ""):
        assert client_network(rf.get("/", REMOTE_ADDR=address)) == address


def refusals(client: Client, path: str, addresses: list[str]) -> list[bool]:
    answers = [client.get(path, headers={"X-Forwarded-For": address}, REMOTE_ADDR=PEER) for address in addresses]
    return [answer.status_code == 429 for answer in answers]


@pytest.mark.django_db
@pytest.mark.parametrize("proxies", [0, 1])
def test_limits_tell_visitors_behind_a_proxy_apart_and_are_not_fooled_without_one(
    proxies: int, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.NUM_PROXIES = proxies
    monkeypatch.setattr(VisitorThrottle, "rate", "2/min", raising=False)
    monkeypatch.setattr("feed.search.results.SEARCHES_A_MINUTE", 2)
    for client, path in [(APIClient(), "/api/posts/"), (Client(), "/search/?q=red")]:
        spoofed = [f"198.51.100.{number}, 203.0.113.9" for number in range(3)]
        assert refusals(client, path, spoofed) == [False, False, True], path
        assert refusals(client, path, ["203.0.113.10"]) == [proxies == 0], path


@pytest.mark.django_db
def test_a_session_remembers_the_address_that_the_proxy_saw(alice: User, settings: Settings) -> None:
    from allauth.usersessions.models import UserSession

    settings.NUM_PROXIES = 1
    headers = {"X-Forwarded-For": "198.51.100.1, 203.0.113.9"}
    form = {"login": alice.username, "password": PASSWORD}
    assert Client().post("/accounts/login/", form, headers=headers).status_code == 302
    assert UserSession.objects.get(user=alice).ip == "203.0.113.9"
