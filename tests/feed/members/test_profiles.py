"""Profiles: stacks of what belongs together, following lists, and many of one's own posts at a time."""

import io
import re
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.models import User
from feed.members import services as members_services
from feed.members.forms import MAX_AVATARS, ProfileForm
from feed.models import Post, Profile
from feed.posts import services as posts_services
from feed.posts.near_duplicates import collapse_near_duplicates, near_duplicates_of, newest_variations, variations_of
from generation.models import Image
from tests.conftest import As, MakeMember
from tests.feed.conftest import Publish, PublishMany
from tests.feed.responses import body
from tests.generation.fixtures import MakeImage

NOW = timezone.now()


def hashed(post: Post, ones: int, quality: int = 80) -> Post:
    """The post with a PDQ hash of so many ones."""
    Image.objects.filter(post=post).update(pdq="1" * ones + "0" * (256 - ones), pdq_quality=quality)
    return Post.objects.select_related("image__generation").get(pk=post.pk)


@pytest.fixture
def four(alice: User, make_image: MakeImage) -> list[Post]:
    """Four variations of one generation, published a minute apart."""
    first = make_image(alice, prompt="a fox")
    images = [first, *(make_image(alice, generation=first.generation) for _ in range(3))]
    posts = [
        posts_services.publish_image(image=image, author=alice, at=NOW - timedelta(minutes=n))
        for n, image in enumerate(images)
    ]
    return [hashed(post, 60 * n) for n, post in enumerate(posts)]


def shown(client: Any, path: str) -> list[str]:
    return [card.id for card in client.get(path).context["cards"]]


def test_variations_stand_as_one_stack_and_on_each_others_pages(
    four: list[Post], alice: User, bob: User, publish: Publish, as_user: As
) -> None:
    alone = hashed(publish(alice, prompt="else", at=NOW - timedelta(hours=1)), 256)
    client = as_user(bob)
    assert shown(client, "/@alice/") == [four[0].public_id, alone.public_id]
    assert client.get("/@alice/").context["cards"][0].stack == 4
    assert len(shown(client, "/@alice/?all=")) == 5
    assert variations_of(four[2], bob, NOW) == [four[0], four[1], four[3]]
    assert four[3].public_id in client.get(f"/p/{four[1].public_id}/").content.decode()


def test_a_stack_neither_counts_nor_shows_what_is_hidden(four: list[Post], alice: User, bob: User) -> None:
    posts_services.unpublish_post(post=four[0], author=alice)
    posts_services.hide_post(post=four[1], member=bob)
    rows = list(newest_variations(Post.objects.listed_for(bob, NOW).filter(author=alice), bob, NOW))
    assert [(post, post.__dict__["variations"]) for post in rows] == [(four[2], 1)]
    assert variations_of(four[2], bob, NOW) == [four[3]]


def test_near_duplicates_are_the_authors_own_and_near(alice: User, bob: User, publish: Publish) -> None:
    post, near, far, plain = (hashed(publish(alice), ones) for ones in (100, 131, 132, 100))
    hashed(plain, 100, quality=10)
    hashed(publish(bob), 100)
    assert near_duplicates_of(post, bob, NOW) == [near]
    assert set(near_duplicates_of(far, bob, NOW)) == {near}
    posts_services.unpublish_post(post=near, author=alice)
    assert near_duplicates_of(post, bob, NOW) == []
    assert near_duplicates_of(hashed(post, 100, quality=10), bob, NOW) == []


def test_near_duplicates_fold_behind_the_first_of_a_page(alice: User, publish: Publish) -> None:
    posts = [hashed(publish(alice), ones) for ones in (10, 100, 30, 120, 200)]
    posts[2].__dict__["variations"] = 2
    kept = collapse_near_duplicates(posts)
    assert [(post, post.stack_count) for post in kept] == [(posts[0], 3), (posts[1], 1), (posts[4], 0)]


def test_a_profile_costs_a_fixed_number_of_queries(
    publish_many: PublishMany, bob: User, as_user: As, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    publish_many(30, authors=1)
    client = as_user(bob)
    client.get("/about/ranking/")  # the session and the bell are read into the cache
    with django_assert_max_num_queries(13):
        assert len(shown(client, "/@author0/")) == 24


def test_following_lists_show_whom_the_viewer_may_see(
    alice: User, bob: User, mallory: User, make_member: MakeMember, as_user: As
) -> None:
    for member, followed in [(bob, alice), (mallory, alice), (alice, mallory)]:
        members_services.follow_member(member=member, followed=followed)
    page = as_user(bob).get("/@alice/followers/").content.decode()
    assert "/@mallory/" in page
    assert "2 followers" in as_user(bob).get("/@alice/").content.decode()
    members_services.block_member(member=mallory, blocked=bob)
    for path in ("/@alice/followers/", "/@alice/following/"):
        assert "/@mallory/" not in as_user(bob).get(path).content.decode()
    assert "1 follower<" in as_user(bob).get("/@alice/").content.decode()
    assert as_user(bob).get("/@mallory/followers/").status_code == 404


def test_many_are_taken_down_at_once_but_only_ones_own(alice: User, bob: User, publish: Publish, as_user: As) -> None:
    mine, more, kept, others = publish(alice), publish(alice), publish(alice), publish(bob)
    ids = [mine.public_id, more.public_id, others.public_id, "nonsense"]
    answer = as_user(alice).post("/profile/published/", {"do": "unpublish", "post": ids}, follow=True)
    assert "2 pictures taken down" in answer.content.decode()
    assert set(Post.objects.published()) == {kept, others}
    assert not Image.objects.get(post=mine).is_public
    assert as_user(alice).get("/profile/published/").content.decode().count('name="post"') == 3
    assert as_user(None).get("/profile/published/").status_code == 302


def test_originals_come_as_one_zip(alice: User, bob: User, publish: Publish, as_user: As) -> None:
    posts = [publish(alice, title="Red fox", hide_prompt=True), publish(alice)]
    removed, others = publish(alice), publish(bob)
    Post.objects.filter(pk=removed.pk).update(removed_at=NOW)
    ids = [post.public_id for post in (posts[0], removed, others)]
    for form, names in [
        ({"do": "download", "post": ids}, {f"red-fox-{posts[0].public_id}.png"}),
        ({"do": "download-all"}, {f"red-fox-{posts[0].public_id}.png", f"{posts[1].public_id}.png"}),
    ]:
        answer = as_user(alice).post("/profile/published/", form)
        archive = zipfile.ZipFile(io.BytesIO(async_to_sync(body)(answer)))
        assert set(archive.namelist()) == names
        assert archive.testzip() is None
        assert archive.read(f"red-fox-{posts[0].public_id}.png").startswith(b"\x89PNG")


def test_the_form_offers_the_newest_pictures_and_the_present_one_at_a_fixed_cost(
    publish_many: PublishMany, alice: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    posts = publish_many(MAX_AVATARS + 20, authors=[alice], at=NOW)
    face = Profile.objects.create(user=alice, avatar=posts[-1].image)
    with django_assert_max_num_queries(2):
        page = ProfileForm(instance=face, member=alice).as_p()
    offered = [post.image.public_id for post in (*posts[:MAX_AVATARS], posts[-1])]
    assert re.findall(r'<option value="([^"]+)"', page) == offered
    assert f'value="{offered[-1]}" selected' in page
    form = ProfileForm({"avatar": offered[-1]}, instance=face, member=alice)
    assert form.is_valid()
    assert form.cleaned_data["avatar"] == posts[-1].image
