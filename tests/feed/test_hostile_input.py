"""Whatever a stranger sends to whichever address: an answer, never a server error.

Each address gets a few of the hostile values, so that a run meets the whole table; SALON_WALK=5 sends five times as
many to each.
"""

import os
import random
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import pytest
import redis
from django.conf import settings
from django.db import transaction
from django.test import Client
from django.urls import get_resolver
from django.urls.converters import PathConverter, StringConverter
from rest_framework import viewsets

from accounts.models import ApiToken, User, Webhook
from feed.collections.services import create_collection
from feed.comments.services import post_comment
from feed.rates import unlimited
from feed.search.query_language import LONGEST
from moderation.cases.models import Case
from moderation.cases.services import report_target
from tests.conftest import As, MakeMember
from tests.feed.conftest import Publish
from tests.feed.hostile import HEADERS, PATH_PARTS, QUERIES, Route, bodies, routes
from tests.generation.fixtures import MakeImage

T = TypeVar("T")
TIMES = int(os.environ.get("SALON_WALK", "1"))
ALLOWED = {"feed:oembed": {501}}  # its specification wants 501 for a format that there is none of
ROUTES = sorted(routes())
ROLES = ("visitor", "member", "root")


def some(table: Sequence[T], key: str, number: int) -> list[T]:
    """`number` of the table, or TIMES as many; they differ from address to address and are the same in every run."""
    return random.Random(key).sample(table, min(len(table), number * TIMES))


class Walk:
    """Sends requests as somebody, undoes what they did, and remembers the server errors."""

    def __init__(self, client: Client, names: dict[str, str]) -> None:
        client.raise_request_exception = False
        self.client, self.names, self.errors, self.sent = client, names, list[str](), 0
        self.valkey = redis.Redis.from_url(settings.REDIS_URL)

    def send(self, route: Route, method: str, address: str, **more: Any) -> None:
        self.valkey.flushdb()  # no rate limit spares a view
        kept = transaction.savepoint()
        cookies = self.client.cookies.output(header="", sep=";")
        response = self.client.generic(method, address, **more)
        transaction.savepoint_rollback(kept)
        self.client.cookies.clear()
        self.client.cookies.load(cookies)
        self.sent += 1
        if response.status_code >= 500 and response.status_code not in ALLOWED.get(route.name, ()):
            fault = getattr(response, "exc_info", None)
            self.errors.append(
                f"{response.status_code} {method} {address[:120]} {str(more)[:160]} {fault and fault[1]!r}"
            )

    def good(self, name: str) -> str:
        return self.names.get(name, "abcdefghijkl")


@pytest.fixture
def walks(
    alice: User, bob: User, make_member: MakeMember, make_image: MakeImage, publish: Publish, as_user: As
) -> Iterator[dict[str, Walk]]:
    """A visitor, a member with something of each kind, and somebody who may do everything."""
    root = make_member("root", is_superuser=True, is_staff=True)
    with unlimited():
        post = publish(alice, prompt="a red fox", title="Fox", hide_prompt=True)
        other = publish(bob, prompt="a blue fox", title="Blue")
        comment = post_comment(post=post, author=alice, text="A comment")
        collection = create_collection(owner=alice, name="Foxes", visibility="public")
        report_target(target=other, reporter=alice, reason="other", note="")
    ids = {
        "post": post.public_id, "public_id": post.public_id, "pk": post.public_id, "username": "alice",
        "day": "2026-11-22",
        "form": "rss", "slug": "toy", "target_type": "feed.post", "name_id": "abcdefghijkl",
        "object_id": str(alice.pk),
    }  # fmt: skip
    make_token: Any = ApiToken.objects.create
    of_kind = {
        "comment": comment.public_id, "collection": collection.public_id, "case": Case.objects.get().public_id,
        "claim": Case.objects.get().public_id, "image": post.image.public_id, "publish": make_image(alice).public_id,
        "generation": post.image.generation.public_id, "detail": post.image.generation.public_id,
        "token": make_token(user=alice)[0].public_id, "member": bob.public_id,

        "webhook": Webhook.objects.create(user=alice, url="https://example.org/", events=[], secret="x").public_id,
    }  # fmt: skip
    names = ids | {f"of {name}": value for name, value in of_kind.items()}
    people = {"visitor": None, "member": alice, "root": root}
    made = {role: Walk(as_user(user), names) for role, user in people.items()}
    yield made
    for walk in made.values():
        walk.valkey.close()


def names_for(walk: Walk, route: Route) -> dict[str, str]:
    """Parts that name something, where we have something of the kind that the route's name speaks of."""
    found = {name: walk.good(name) for name in route.parts}
    for kind, value in walk.names.items():
        if kind.startswith("of ") and kind[3:] in route.name.replace("-", ":").split(":"):
            found |= {name: value for name in ("public_id", "pk") if name in found}
    return found


def failures(walk: Walk) -> str:
    return f"{len(walk.errors)} server errors:\n" + "\n".join(walk.errors[:40])


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("role", [*ROLES[:-1], pytest.param("root", marks=pytest.mark.long)])
def test_no_address_crashes_on_its_parts_or_its_query(role: str, walks: dict[str, Walk]) -> None:
    walk = walks[role]
    for route in ROUTES:
        key, parts = f"{role}{route.name}", names_for(walk, route)
        address = route.fill(parts.__getitem__)
        walk.send(route, "GET", address)
        for value in some(PATH_PARTS, key, 1) if route.parts else ():
            walk.send(route, "GET", route.fill(lambda _name, value=value: value))  # type: ignore[misc]
        for query in some(QUERIES, key, 2):
            walk.send(route, "GET", f"{address}?{query}")
        for headers in some(HEADERS, key, 1):
            walk.send(route, "GET", address, headers=headers)
    assert not walk.errors, failures(walk)
    assert walk.sent > 900


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("role", [*ROLES[:-1], pytest.param("root", marks=pytest.mark.long)])
def test_no_address_crashes_on_a_body(role: str, walks: dict[str, Walk]) -> None:
    walk = walks[role]
    for route in ROUTES:
        address = route.fill(names_for(walk, route).__getitem__)
        for method in route.methods or ("post",):
            if method in ("get", "head", "options"):
                continue
            for body, kind in some(bodies(route.is_api), f"{role}{method}{route.name}", 2):
                walk.send(route, method.upper(), address, data=body, content_type=kind)
        if route.parts and (not route.methods or "post" in route.methods):
            for value in some(PATH_PARTS, f"{role}{route.name}", 1):
                walk.send(route, "POST", route.fill(lambda _name, value=value: value))  # type: ignore[misc]
    assert not walk.errors, failures(walk)


@pytest.mark.parametrize("role", ["visitor", "member"])
def test_every_search_survives_every_role(role: str, walks: dict[str, Walk]) -> None:
    """The query language reads the most of all: each of its hostile values, on the page, in the API and as a feed."""
    walk, places = walks[role], {"feed:search", "api:search-list", "feed:syndication"}
    for route in (route for route in ROUTES if route.name in places):
        for query in QUERIES:
            if query.startswith("q="):
                walk.send(route, "GET", f"{route.fill(walk.good)}?{query[: 9 * LONGEST]}")
    assert not walk.errors, failures(walk)


def test_no_action_of_a_viewset_is_named_as_a_verb_of_http() -> None:
    """Django's `View` calls the method of that name for the verb, whatever the action was meant for."""

    def descend(kind: type) -> Iterator[type]:
        below: type
        for below in kind.__subclasses__():
            yield below
            yield from descend(below)

    ours = [kind for kind in descend(viewsets.ViewSetMixin) if not kind.__module__.startswith("rest_framework")]
    assert len(ours) > 20
    verbs = ("get", "post", "put", "patch", "delete", "head", "trace")
    shadowing = {f"{kind.__name__}.{verb}" for kind in ours for verb in verbs if verb in vars(kind)}
    assert shadowing == set()


def test_every_part_of_an_address_says_what_it_may_be() -> None:
    """No part of our own takes any text: what reaches a query has the form of an id, a slug, a name or a day."""

    def loose(patterns: list[Any]) -> Iterator[str]:
        for pattern in patterns:
            converters = getattr(pattern.pattern, "converters", {})
            names = [name for name, kind in converters.items() if type(kind) in (StringConverter, PathConverter)]
            yield from (f"{pattern.pattern}: {name}" for name in names)
            if "[^/.]+" in str(pattern.pattern) or "<format>" in str(pattern.pattern):
                yield str(pattern.pattern)
            yield from loose(getattr(pattern, "url_patterns", []))

    ours = [each for each in get_resolver().url_patterns if str(each.pattern) not in {"accounts/", "admin/"}]
    file_of_release = "research/releases/<public_id:public_id>/files/<path:name>: name"  # looked up in a manifest
    assert set(loose(ours)) == {file_of_release}
