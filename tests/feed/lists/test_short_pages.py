"""A page that is cut short says so and leads on; only the last one is the end."""

import re
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from feed.lists import pages as lists_pages
from feed.models import Post, PostTag, SearchEntry, Tag
from feed.posts.visibility import refresh_visibility
from feed.ranking import precomputed
from feed.search import results as searching
from generation.models import Image
from tests.conftest import As
from tests.feed.conftest import PublishMany
from tests.feed.pagers import next_link

NOW = timezone.now()
ENDS = [
    "Nothing here yet", "seen everything", "No pictures with this tag", "reached the end", "No results",
]  # fmt: skip
CUT = "Your filters hide most posts here."


def hide(posts: list[Post]) -> None:
    """As when something changed after a list was made."""
    Image.objects.filter(post__in=posts).update(is_public=False)


@pytest.mark.parametrize("address", ["/?sort=new", "/?sort=new&tag=sea", "/?sort=new&seen=hide"])
def test_a_feed_cut_short_leads_on_to_its_end(
    address: str, alice: User, publish_many: PublishMany, as_user: As, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists_pages, "MOST_ROUNDS", 1)
    posts = publish_many(120, authors=60, at=NOW)
    tag = Tag.objects.create(name="sea")
    PostTag.objects.bulk_create(PostTag(post=post, tag=tag) for post in posts)
    client = as_user(alice)
    client.get(address)
    hide(posts[:70])
    url, shown, texts = address, list[str](), list[str]()
    while url:
        texts.append(client.get(url).content.decode())
        shown += re.findall(r'data-post="([^"]+)"', texts[-1])
        url = next_link(texts[-1]) if "data-load-more" in texts[-1] else ""
    assert shown == [post.public_id for post in posts[70:]]
    assert CUT in texts[0]
    assert CUT not in texts[-1]
    for text in texts[:-1]:
        assert not any(words in text for words in ENDS)


def test_an_order_that_keeps_so_many_says_so_where_it_is_narrowed_to_a_tag(alice: User, as_user: As) -> None:
    words = f"{precomputed.KEPT:,}"
    assert words in as_user(alice).get("/?sort=top&tag=sea").content.decode()
    for address in ("/?sort=top", "/?sort=new&tag=sea"):
        assert words not in as_user(alice).get(address).content.decode()


def test_a_search_where_nearly_all_is_hidden_costs_little_and_leads_on(
    alice: User, publish_many: PublishMany, as_user: As, django_assert_max_num_queries: DjangoAssertNumQueries,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(searching, "READ_AHEAD", 4 - searching.PAGE_SIZE)  # four are looked at first
    posts = publish_many(150, at=NOW - timedelta(hours=1))
    refresh_visibility([post.pk for post in posts], NOW)
    assert SearchEntry.objects.count() == 150
    newest = sorted(posts, key=lambda post: -post.pk)
    hide(newest[:-1])
    client = as_user(alice)
    with django_assert_max_num_queries(20):
        page = client.get("/search/?q=checkpoint:toy").content.decode()
    assert CUT in page
    assert not any(words in page for words in ENDS)
    cache.clear()  # what was read is forgotten; the place is not
    for _page in range(20):
        if newest[-1].public_id in page:
            break
        page = client.get(next_link(page)).content.decode()
    assert newest[-1].public_id in page
