"""The fast way to a page's posts says what the ordinary query says."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from accounts.models import User, Viewer
from feed.lists.fast.prepared_query import _COLUMNS, _FLAGS, fetch_listed
from feed.members import services as members_services
from feed.models import Mute, Post
from feed.posts.serializers import PostSerializer
from feed.posts.services import like_post
from lib.content_levels import ContentLevel
from tests.feed.conftest import Publish

NOW = timezone.now()


def fields_of(post: Post) -> dict[str, Any]:
    found: dict[str, Any] = {flag: bool(post.__dict__.get(flag)) for flag in _FLAGS}
    for path, _model, names in _COLUMNS:
        row: Any = post
        for step in filter(None, path.split("__")):
            row = getattr(row, step) if row else None
        found |= {f"{path}.{name}": getattr(row, name) for name in names} if row else {path: None}
    return found


@pytest.fixture
def posts(alice: User, bob: User, mallory: User, publish: Publish) -> list[Post]:
    made = [
        publish(alice, prompt="a red fox"),
        publish(alice, prompt="a blue fox", hide_prompt=True, title="Blue"),
        publish(mallory, prompt="a cat"),
        publish(bob, prompt="a muted den"),
        publish(alice, prompt="a stern fox", content_level=ContentLevel.SENSITIVE),
        publish(alice, prompt="a muted fox"),
        publish(alice, prompt="a blurred fox"),
    ]
    like_post(post=made[0], member=bob)
    members_services.mute(member=bob, kind="word", value="muted", at=NOW)
    members_services.mute(member=bob, kind="word", value="blurred", effect=Mute.Effect.BLUR, at=NOW)
    members_services.block_member(member=mallory, blocked=bob)
    return made


@pytest.mark.parametrize("level", [None, ContentLevel.GENERAL, ContentLevel.SENSITIVE])
def test_the_fast_way_brings_what_the_filter_brings(level: ContentLevel | None, posts: list[Post], bob: User) -> None:
    viewer: Viewer = AnonymousUser()
    if level is not None:
        bob.max_level, viewer = level, bob
    at, ids = timezone.now(), [post.pk for post in posts]
    for _ in range(4):  # also once it is prepared
        fast = fetch_listed(ids, viewer, at)
        slow = Post.objects.listed_for(viewer, at).with_card(viewer, at).in_bulk(ids)
        assert fast.keys() == slow.keys()
        assert {pk: fields_of(post) for pk, post in fast.items()} == {pk: fields_of(post) for pk, post in slow.items()}
    shown = {posts.index(post) for post in posts if post.pk in fast}
    expected = {None: {0, 1, 2, 3, 5, 6}, ContentLevel.GENERAL: {0, 1, 3, 6}, ContentLevel.SENSITIVE: {0, 1, 3, 4, 6}}
    assert shown == expected[level]


def test_a_field_that_was_not_fetched_is_read_when_it_is_asked_for(posts: list[Post], bob: User) -> None:
    post = fetch_listed([posts[0].pk], bob, timezone.now())[posts[0].pk]
    assert post.image.queued_at == posts[0].image.queued_at
    assert post.author.email == "alice@salon.test"


def test_the_api_tells_every_field_it_declares(posts: list[Post], bob: User) -> None:
    post = fetch_listed([posts[0].pk], bob, timezone.now())[posts[0].pk]
    serializer = PostSerializer(context={"request": SimpleNamespace(user=bob)})
    shown = serializer.to_representation(post)
    assert shown.keys() == serializer.fields.keys()
    for name in shown.keys() - {"picture", "made", "published_at", "url"}:
        assert shown[name] == serializer.fields[name].to_representation(serializer.fields[name].get_attribute(post))
