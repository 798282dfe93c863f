"""First pages kept for visitors: the same bytes, never what is hidden."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks
from rest_framework.throttling import AnonRateThrottle

from accounts.models import User
from feed.lists.fast import anonymous_cache
from feed.models import Post, PostAspect
from feed.posts import services as posts_services
from feed.posts.api import PostViewSet
from feed.posts.visibility import refresh_visibility
from feed.ranking.counters import process_recount_requests
from feed.ranking.orders import ASPECT_NAMES
from feed.ranking.precomputed import INTERVALS, rebuild_list
from tests.conftest import ApiAs, As, MakeMember
from tests.feed.conftest import Publish
from tests.feed.hiding import REASONS

NOW = timezone.now()
LISTS = ["", "?sort=new", "?sort=top&window=all", "?sort=rising", "?sort=controversial", "?sort=best&aspect=colour"]


@pytest.fixture
def post(
    alice: User,
    make_member: MakeMember,
    publish: Publish,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> Post:
    """A post in every list, committed: pages may be kept."""
    with django_capture_on_commit_callbacks(execute=True):
        made = publish(alice, prompt="the secret fox", title="Visible fox", at=NOW)
        posts_services.like_post(post=made, member=make_member("carol"), at=NOW)
        process_recount_requests(at=NOW)
    PostAspect.objects.bulk_create(PostAspect(post=made, aspect=name, mean=4, spread=1, n=9) for name in ASPECT_NAMES)
    for name in INTERVALS:
        with transaction.atomic():
            rebuild_list(name, NOW)
    return made


def kept_pages(client: Client, assert_queries: DjangoAssertNumQueries) -> dict[str, bytes]:
    """Every list, asked for until it is answered from memory."""
    pages = {}
    for query in LISTS:
        client.get(f"/api/posts/{query}")
        with assert_queries(0):
            pages[query] = client.get(f"/api/posts/{query}").content
    return pages


def test_a_second_visitor_gets_the_same_bytes_without_a_query(
    post: Post, as_user: As, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    first = {query: as_user(None).get(f"/api/posts/{query}") for query in LISTS}
    kept = kept_pages(as_user(None), django_assert_num_queries)
    assert kept == {query: answer.content for query, answer in first.items()}
    assert all(post.public_id in page.decode() for page in kept.values())
    assert {answer["Content-Type"] for answer in first.values()} == {"application/json"}


def test_what_is_kept_says_what_a_fresh_page_says(post: Post, as_user: As) -> None:
    client = as_user(None)
    kept = client.get("/api/posts/?sort=new").json()
    assert client.get("/api/posts/?sort=new&fresh=1").json()["results"] == kept["results"]


def test_a_visitor_who_has_the_page_gets_304(post: Post, as_user: As) -> None:
    client = as_user(None)
    first = client.get("/api/posts/")
    again = client.get("/api/posts/", headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("reason", REASONS)
def test_what_is_hidden_leaves_what_is_kept_at_once(
    reason: str,
    post: Post,
    as_user: As,
    django_assert_num_queries: DjangoAssertNumQueries,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    client = as_user(None)
    assert all(b"Visible fox" in page for page in kept_pages(client, django_assert_num_queries).values())
    with django_capture_on_commit_callbacks(execute=True):
        REASONS[reason][0](post)
        refresh_visibility([post.pk], timezone.now())
        assert_gone(client, post)  # not committed yet: nothing is handed out from before
    assert_gone(client, post)


def assert_gone(client: Client, post: Post) -> None:
    for query in LISTS:
        page = client.get(f"/api/posts/{query}").content.decode()
        for mark in (post.public_id, post.image.public_id, "Visible fox", "secret"):
            assert mark not in page, query


def edit(post: Post) -> object:
    return posts_services.publish_image(image=post.image, author=post.author, title="Another name", hide_prompt=True)


@pytest.mark.parametrize(("change", "gone"), [(edit, "secret fox"), (edit, "Visible fox")])
def test_words_that_are_taken_back_leave_it_too(
    change: Callable[[Post], object],
    gone: str,
    post: Post,
    as_user: As,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    assert gone in as_user(None).get("/api/posts/").content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        change(post)
    assert gone not in as_user(None).get("/api/posts/").content.decode()


def test_what_a_change_saw_before_it_was_committed_is_not_kept(
    post: Post, as_user: As, django_capture_on_commit_callbacks: Any
) -> None:
    client = as_user(None)
    with django_capture_on_commit_callbacks(execute=True):
        refresh_visibility([post.pk], timezone.now())
        client.get("/api/posts/")  # made while no version is valid
        Post.objects.filter(pk=post.pk).update(removed_at=NOW)
    assert_gone(client, post)


def test_members_get_pages_of_their_own(post: Post, bob: User, api_as: ApiAs, as_user: As) -> None:
    as_user(None).get("/api/posts/")
    posts_services.like_post(post=post, member=bob)
    assert api_as(bob).get("/api/posts/").json()["results"][0]["liked"] is True
    assert "ETag" not in api_as(bob).get("/api/posts/").headers


def test_a_kept_page_grows_old(post: Post, as_user: As, monkeypatch: pytest.MonkeyPatch) -> None:
    """A like changes a page and does not invalidate it."""
    monkeypatch.setattr(anonymous_cache, "KEPT_SECONDS", 0)
    client = as_user(None)
    client.get("/api/posts/")
    Post.objects.filter(pk=post.pk).update(title="Seen again")
    assert "Seen again" in client.get("/api/posts/").content.decode()


def test_a_process_keeps_a_bounded_number_of_pages(post: Post, as_user: As, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    for n in range(anonymous_cache.MOST_PAGES + 5):
        assert as_user(None).get("/api/posts/", headers={"Host": f"host{n}.example"}).status_code == 200
    assert len(anonymous_cache._pages) <= anonymous_cache.MOST_PAGES


def test_what_is_kept_is_throttled_like_any_answer(post: Post, as_user: As, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(AnonRateThrottle.THROTTLE_RATES, "anon", "3/min")
    client = as_user(None)
    assert [client.get("/api/posts/").status_code for _ in range(5)] == [200, 200, 200, 429, 429]


def test_a_kept_page_leaves_at_once_where_nothing_is_throttled(
    post: Post,
    as_user: As,
    monkeypatch: pytest.MonkeyPatch,
    django_assert_num_queries: DjangoAssertNumQueries,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    """Also without a throttle."""
    monkeypatch.setattr(PostViewSet, "throttle_classes", [])
    kept_pages(as_user(None), django_assert_num_queries)
    with django_capture_on_commit_callbacks(execute=True):
        Post.objects.filter(pk=post.pk).update(removed_at=NOW)
        refresh_visibility([post.pk], timezone.now())
    assert_gone(as_user(None), post)
