"""Publishing, taking down, deleting, and what follows from each."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone

from accounts.models import Notification, User
from feed import rates
from feed.collections.services import save_post
from feed.members import services as members_services
from feed.members.own_changes import last_own_change
from feed.models import CollectionItem, FeedEntry, Like, Post
from feed.posts import services as posts_services
from feed.ranking.counters import process_recount_requests
from feed.tags.services import tags_of
from generation.models import Image, ImageState, PromptExample
from lib.content_levels import ContentLevel
from lib.errors import Refused
from moderation.models import Restriction
from tests.conftest import ApiAs, As
from tests.feed.conftest import Publish
from tests.generation.fixtures import MakeImage

NOW = timezone.now()


def test_a_published_picture_is_public_and_its_prompt_becomes_an_example(alice: User, make_image: MakeImage) -> None:
    image = make_image(alice, prompt="a red fox")
    post = posts_services.publish_image(image=image, author=alice, title="  Fox  ", at=NOW)
    image.refresh_from_db()
    assert (post.title, post.published_at, image.is_public) == ("Fox", NOW, True)
    assert FeedEntry.objects.get(post=post).is_visible
    assert PromptExample.objects.get(image=image).prompt == "a red fox"


def test_publishing_twice_makes_one_post(alice: User, make_image: MakeImage) -> None:
    image = make_image(alice)
    first = posts_services.publish_image(image=image, author=alice, title="One", at=NOW)
    again = posts_services.publish_image(image=image, author=alice, title="Two", at=NOW + timedelta(hours=1))
    assert again == first
    assert again.published_at == first.published_at
    assert Post.objects.get().title == "Two"


def test_publishing_again_keeps_title_tags_and_hidden_prompt(alice: User, make_image: MakeImage) -> None:
    image = make_image(alice, prompt="the secret fox")
    post = posts_services.publish_image(
        image=image, author=alice, title="Fox", hide_prompt=True, tags=["fox"], alt_text="A fox at night"
    )
    posts_services.unpublish_post(post=post, author=alice)
    again = posts_services.publish_image(image=image, author=alice)
    kept = Image.objects.get()
    assert (again.title, kept.is_prompt_hidden, kept.alt_text) == ("Fox", True, "A fox at night")
    assert tags_of(again.pk) == ["fox"]
    assert not PromptExample.objects.exists()


def test_a_picture_made_with_a_hidden_prompt_is_published_with_it_hidden(alice: User, make_image: MakeImage) -> None:
    image = make_image(alice)
    Image.objects.update(is_prompt_hidden=True)
    posts_services.publish_image(image=image, author=alice)
    assert Image.objects.get().is_prompt_hidden


def test_the_button_publish_changes_neither_title_nor_hidden_prompt(
    alice: User, publish: Publish, as_user: As, api_as: ApiAs
) -> None:
    post = publish(alice, title="Fox", hide_prompt=True)
    posts_services.tag_post(post=post, author=alice, tags=["fox"])
    for again in (
        lambda: as_user(alice).post(f"/publish/{post.image.public_id}/", {}),
        lambda: api_as(alice).post("/api/posts/", {"image": post.image.public_id}),
        lambda: api_as(alice).post("/api/posts/", {"image": post.image.public_id}, format="multipart"),
    ):
        posts_services.unpublish_post(post=post, author=alice)
        again()
        kept = Post.objects.select_related("image").get()
        assert kept.is_published
        assert (kept.title, kept.image.is_prompt_hidden, tags_of(kept.pk)) == ("Fox", True, ["fox"])


def test_an_unticked_box_shows_the_prompt_again(alice: User, publish: Publish, as_user: As) -> None:
    post = publish(alice, title="Fox", hide_prompt=True)
    as_user(alice).post(f"/publish/{post.image.public_id}/", {"title": "Fox", "tags": "", "alt_text": ""})
    assert not Image.objects.get().is_prompt_hidden


def test_what_can_no_longer_be_seen_can_still_be_unliked_and_unsaved(
    alice: User, bob: User, publish: Publish, as_user: As, api_as: ApiAs
) -> None:
    posts = [publish(alice) for _ in range(3)]
    for post in posts:
        posts_services.like_post(post=post, member=bob)
        save_post(post=post, member=bob)
        posts_services.unpublish_post(post=post, author=alice)
    assert as_user(bob).post(f"/p/{posts[0].public_id}/unlike/").status_code == 302
    answer = as_user(bob).post(f"/p/{posts[1].public_id}/unlike/", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.content) == (204, b"")
    assert api_as(bob).delete(f"/api/posts/{posts[2].public_id}/like/").json() == {"liked": False}
    assert not Like.objects.exists()
    assert as_user(bob).post(f"/p/{posts[0].public_id}/unsave/").status_code == 302
    assert not CollectionItem.objects.filter(post=posts[0]).exists()
    assert as_user(bob).post(f"/p/{posts[0].public_id}/like/").status_code == 404
    assert as_user(bob).post(f"/p/{posts[0].public_id}/unlike/").status_code == 404


def test_page_and_api_refresh_ones_own_lists_alike(alice: User, publish: Publish, as_user: As, api_as: ApiAs) -> None:
    for delete in (
        lambda post: as_user(alice).post(f"/p/{post.public_id}/delete/"),
        lambda post: api_as(alice).delete(f"/api/posts/{post.public_id}/"),
    ):
        post = publish(alice)
        cache.clear()
        delete(post)
        assert last_own_change(alice) is not None


def test_every_way_to_publish_counts_against_the_same_limit(
    alice: User, make_image: MakeImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(rates._RATES, "publish", (1, 3600))
    image = make_image(alice)
    post = posts_services.publish_image(image=image, author=alice)
    with pytest.raises(Refused) as refused:
        posts_services.tag_post(post=post, author=alice, tags=["fox"])
    assert refused.value.status == 429


def test_nobody_publishes_another_members_picture(alice: User, mallory: User, make_image: MakeImage) -> None:
    with pytest.raises(Refused) as refused:
        posts_services.publish_image(image=make_image(alice), author=mallory)
    assert refused.value.status == 404
    assert not Post.objects.exists()


@pytest.mark.parametrize("state", [ImageState.HELD, ImageState.QUEUED, ImageState.REJECTED, ImageState.SCREENING])
def test_only_a_ready_picture_can_be_published(alice: User, make_image: MakeImage, state: ImageState) -> None:
    with pytest.raises(Refused) as refused:
        posts_services.publish_image(image=make_image(alice, state=state), author=alice)
    assert refused.value.status in {404, 409}
    assert not Post.objects.exists()


def test_a_muted_member_does_not_publish(alice: User, make_image: MakeImage) -> None:
    Restriction.objects.create(user=alice, kind=Restriction.Kind.MUTED, starts_at=NOW - timedelta(hours=1))
    with pytest.raises(Refused) as refused:
        posts_services.publish_image(image=make_image(alice), author=alice, at=NOW)
    assert refused.value.status == 403


def test_a_title_that_is_too_long_says_so_beside_the_title(alice: User, make_image: MakeImage) -> None:
    with pytest.raises(Refused) as refused:
        posts_services.publish_image(image=make_image(alice), author=alice, title="x" * 121)
    assert "title" in refused.value.fields
    assert not Post.objects.exists()


def test_a_profane_title_is_refused(alice: User, make_image: MakeImage) -> None:
    with pytest.raises(Refused) as refused:
        posts_services.publish_image(image=make_image(alice), author=alice, title="fucking fox")
    assert "title" in refused.value.fields


@pytest.mark.parametrize("level", [ContentLevel.SENSITIVE, ContentLevel.MATURE])
def test_only_general_prompts_teach(alice: User, publish: Publish, level: ContentLevel) -> None:
    publish(alice, content_level=level)
    assert not PromptExample.objects.exists()


def test_hiding_a_prompt_later_forgets_it(alice: User, publish: Publish) -> None:
    post = publish(alice)
    posts_services.publish_image(image=post.image, author=alice, hide_prompt=True)
    assert not PromptExample.objects.exists()
    assert Image.objects.get().is_prompt_hidden


def test_taking_down_and_publishing_again_keeps_age_and_likes(alice: User, bob: User, publish: Publish) -> None:
    post = publish(alice, at=NOW - timedelta(days=3))
    posts_services.like_post(post=post, member=bob)
    posts_services.unpublish_post(post=post, author=alice)
    posts_services.unpublish_post(post=post, author=alice)
    assert not FeedEntry.objects.get().is_visible
    assert not Image.objects.get().is_public
    assert not PromptExample.objects.exists()
    again = posts_services.publish_image(image=post.image, author=alice)
    assert again.published_at == NOW - timedelta(days=3)
    assert FeedEntry.objects.get().is_visible
    assert Like.objects.count() == 1


def test_a_deleted_post_is_blank_and_cannot_come_back(alice: User, bob: User, publish: Publish) -> None:
    post = publish(alice, title="Fox")
    posts_services.like_post(post=post, member=bob)
    posts_services.delete_post(post=post, author=alice)
    posts_services.delete_post(post=post, author=alice)
    buried = Post.objects.get()
    assert (buried.title, buried.deleted_at is None) == ("", False)
    assert not FeedEntry.objects.exists()
    assert not Like.objects.exists()
    assert not Image.objects.get().is_public
    with pytest.raises(Refused) as refused:
        posts_services.publish_image(image=post.image, author=alice)
    assert refused.value.code == "deleted"
    process_recount_requests(at=timezone.now())


def test_nobody_takes_down_or_deletes_anothers_post(alice: User, mallory: User, publish: Publish) -> None:
    post = publish(alice)
    for verb in (posts_services.unpublish_post, posts_services.delete_post):
        with pytest.raises(Refused) as refused:
            verb(post=post, author=mallory)
        assert refused.value.status == 404
    assert Post.objects.published().exists()


def test_a_published_remix_tells_the_author_of_its_parent_once_and_counts(
    alice: User, bob: User, publish: Publish, make_image: MakeImage
) -> None:
    parent = publish(alice)
    remix = make_image(bob, parent=parent.image, remix_kind="same")
    post = posts_services.publish_image(image=remix, author=bob)
    posts_services.unpublish_post(post=post, author=bob)
    posts_services.publish_image(image=remix, author=bob)
    found = Notification.objects.get(recipient=alice)
    assert (found.kind, found.actor, found.target_id) == ("post.remixed", bob, post.pk)
    process_recount_requests(at=timezone.now())
    parent.count.refresh_from_db()
    assert (parent.count.remixes, parent.count.weight) == (1, 3)


def test_a_remix_taken_down_no_longer_counts(alice: User, bob: User, publish: Publish, make_image: MakeImage) -> None:
    parent = publish(alice)
    post = publish(bob, parent=parent.image)
    process_recount_requests(at=timezone.now())
    posts_services.unpublish_post(post=post, author=bob)
    process_recount_requests(at=timezone.now())
    parent.count.refresh_from_db()
    assert (parent.count.remixes, parent.count.weight) == (0, 0)


def test_an_author_gets_no_credit_for_remixing_themselves(alice: User, publish: Publish) -> None:
    parent = publish(alice)
    publish(alice, parent=parent.image)
    process_recount_requests(at=timezone.now())
    parent.count.refresh_from_db()
    assert parent.count.weight == 0
    assert not Notification.objects.exists()


def test_profile_words_are_screened(alice: User) -> None:
    with pytest.raises(Refused) as refused:
        members_services.edit_profile(member=alice, display_name="Alice", bio="fuck you all")
    assert "bio" in refused.value.fields


def test_an_avatar_is_an_own_published_picture(alice: User, bob: User, publish: Publish, make_image: MakeImage) -> None:
    for image in (make_image(alice), publish(bob).image):
        with pytest.raises(Refused):
            members_services.edit_profile(member=alice, display_name="", bio="", avatar=image)
    own = publish(alice).image
    assert members_services.edit_profile(member=alice, display_name="", bio="", avatar=own).avatar == own
