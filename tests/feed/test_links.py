"""Every page can be reached by following links from the front page: nothing is known to URLs alone."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import Resolver404, URLPattern, URLResolver, get_resolver, resolve

from accounts.models import Role, User
from tests.conftest import As, MakeMember
from tests.feed.conftest import Publish

NAMESPACES = {"feed", "generation", "ratings", "moderation", "accounts"}
LINK = re.compile(r'\shref="(/[^"#]*)')
GET_FORM = re.compile(r'<form(?=[^>]*\smethod="get")[^>]*\saction="(/[^"#]*)')


def pages(patterns: list[Any], prefix: str = "", path: str = "/") -> Iterator[tuple[str, str]]:
    """(name, address) of whatever answers to one address alone."""
    for pattern in patterns:
        here = path + str(pattern.pattern)
        if isinstance(pattern, URLResolver) and pattern.namespace in NAMESPACES:
            yield from pages(pattern.url_patterns, f"{pattern.namespace}:", here)
        elif isinstance(pattern, URLPattern) and prefix and "<" not in here:
            yield f"{prefix}{pattern.name}", here


def page_at(client: Client, address: str) -> str:
    """A whole page; "" for anything else that answers, or refuses to."""
    answer = client.get(address)
    is_page = answer.status_code == 200 and answer["Content-Type"].startswith("text/html") and not answer.streaming
    text = answer.content.decode() if is_page else ""
    return text if "<html" in text else ""


def named(address: str) -> str:
    try:
        return resolve(address.split("?")[0]).view_name
    except Resolver404:
        return ""


def led_to(client: Client) -> set[str]:
    """Names of all that links lead to from the front page; of each name one address is followed."""
    waiting, known = ["/"], {"feed:list"}
    while waiting:
        page = page_at(client, waiting.pop().replace("&amp;", "&"))
        for address in LINK.findall(page) + GET_FORM.findall(page):
            name = named(address)
            if name.split(":")[0] in NAMESPACES and name not in known:
                known.add(name)
                waiting.append(address)
    return known


@pytest.mark.parametrize("roles", [[], [Role.MODERATOR, Role.RESEARCHER]], ids=["member", "team"])
def test_links_lead_to_every_page(
    roles: list[Role], alice: User, make_member: MakeMember, publish: Publish, as_user: As
) -> None:
    publish(alice)
    client = as_user(make_member("walker", *roles))
    there = {name for name, address in pages(get_resolver().url_patterns) if page_at(client, address)}
    assert len(there) > 20
    assert there - led_to(client) == set(), "no link leads there"
