"""Publishing, taking down, deleting, and what follows from each."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Notification, User
from feed.models import FeedEntry, Like, Post
from feed.posts import services as posts_services
from feed.ranking.counters import process_recount_requests
from generation.models import Image, ImageState, PromptExample
from lib.content_levels import ContentLevel
from lib.errors import Refused
from moderation.models import Restriction
from tests.feed.conftest import Publish
from tests.generation.fixtures import MakeImage

NOW = timezone.now()


def test_a_published_picture_hangs_is_public_and_teaches_its_prompt(alice: User, make_image: MakeImage) -> None:
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
    told = Notification.objects.get(recipient=alice)
    assert (told.kind, told.actor, told.target_id) == ("post.remixed", bob, post.pk)
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
        posts_services.edit_profile(member=alice, display_name="Alice", bio="fuck you all")
    assert "bio" in refused.value.fields


def test_an_avatar_is_an_own_published_picture(alice: User, bob: User, publish: Publish, make_image: MakeImage) -> None:
    for image in (make_image(alice), publish(bob).image):
        with pytest.raises(Refused):
            posts_services.edit_profile(member=alice, display_name="", bio="", avatar=image)
    own = publish(alice).image
    assert posts_services.edit_profile(member=alice, display_name="", bio="", avatar=own).avatar == own
