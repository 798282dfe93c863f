"""Precomputed lists hold the first of what each audience may see, whatever else would stand above it."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.utils import timezone

from accounts.models import User, Viewer
from feed.lists.pages import read_page
from feed.lists.spec import FeedSpec
from feed.models import FeedEntry, Post, PostAspect, PostCount, PostHourlyStats
from feed.ranking import precomputed
from generation.models import Image
from lib.content_levels import ContentLevel
from tests.feed.conftest import PublishMany

NOW = timezone.now()
KEPT = 3


def shown(name: str, viewer: User | AnonymousUser) -> list[Post]:
    sort, _, part = name.partition("-")
    spec = FeedSpec.parse(viewer, sort, window=part, aspect=part)
    return read_page(spec, viewer, at=NOW, size=20).posts


@pytest.mark.parametrize("name", ["top-all", "top-day", "best-lighting", "controversial", "rising"])
def test_a_list_is_filtered_before_it_is_cut(
    name: str, alice: User, publish_many: PublishMany, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the best down: four that moderators hold, four mature ones, four sensitive ones, four for everybody."""
    monkeypatch.setattr(precomputed, "KEPT", KEPT)
    posts = publish_many(16, authors=16, at=NOW)
    held, mature, sensitive, general = posts[:4], posts[4:8], posts[8:12], posts[12:]
    FeedEntry.objects.filter(post__in=held).update(is_visible=False)
    for group, level in [(mature, ContentLevel.MATURE), (sensitive, ContentLevel.SENSITIVE)]:
        FeedEntry.objects.filter(post__in=group).update(content_level=level)
        Image.objects.filter(post__in=group).update(content_level=level)
    for number, post in enumerate(reversed(posts), 1):
        PostCount.objects.filter(post=post).update(weight=number)
        PostAspect.objects.create(post=post, aspect="lighting", mean=number / 10, spread=number / 10, n=9)
        PostHourlyStats.objects.create(post=post, hour=NOW - timedelta(hours=1), impressions=50, likers=number)
    with transaction.atomic():
        precomputed.rebuild_list(name, NOW)
    adult = User(pk=alice.pk, is_adult=True, max_level=ContentLevel.MATURE)
    middle = User(pk=alice.pk, is_adult=True, max_level=ContentLevel.SENSITIVE)
    firsts: list[tuple[Viewer, list[Post]]] = [(AnonymousUser(), general), (middle, sensitive), (adult, mature)]
    for viewer, group in firsts:
        assert [post.pk for post in shown(name, viewer)][:KEPT] == [post.pk for post in group[:KEPT]]
