"""Decisions about posts, pictures and members, and what a member takes along or leaves behind."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.services import delete_account, export_personal_data
from feed.effects import apply, follow_restrictions
from feed.members import services as members_services
from feed.models import FeedEntry, Like, Post, PostCount, Profile
from feed.posts import services as posts_services
from feed.ranking.counters import process_recount_requests
from generation.models import Image, ImageState, PromptExample
from lib.content_levels import ContentLevel
from moderation.models import Decision, Restriction
from tests.conftest import As
from tests.feed.conftest import Publish

NOW = timezone.now()
Action = Decision.Action


def decide(target: Any, action: Action, level: ContentLevel | None = None) -> None:
    decision = Decision.objects.create(
        target_type=target._meta.label_lower,
        target_id=target.pk,
        action=action,
        level=level,
        reason="other",
        actor_pseudonym="mod",
        policy_version="1",
        decided_at=NOW,
    )
    apply(decision=decision, target=target)


@pytest.mark.parametrize(("action", "state"), [(Action.REMOVE, ImageState.REJECTED), (Action.HOLD, ImageState.HELD)])
def test_a_post_that_is_taken_away_goes_with_its_picture_and_can_come_back(
    action: Action, state: ImageState, alice: User, publish: Publish, as_user: As
) -> None:
    post = publish(alice)
    decide(post, action)
    image = Image.objects.get()
    assert (image.state, image.is_public) == (state, False)
    assert not FeedEntry.objects.get().is_visible
    assert not PromptExample.objects.exists()
    assert as_user(None).get(f"/p/{post.public_id}/").status_code == 404
    decide(post, Action.APPROVE)
    image.refresh_from_db()
    assert (image.state, image.is_public) == (ImageState.READY, True)
    assert FeedEntry.objects.get().is_visible
    assert as_user(None).get(f"/p/{post.public_id}/").status_code == 200


def test_approving_does_not_publish_what_its_author_took_down(alice: User, publish: Publish) -> None:
    post = publish(alice)
    decide(post, Action.HOLD)
    posts_services.unpublish_post(post=post, author=alice)
    decide(post, Action.APPROVE)
    assert not Image.objects.get().is_public
    assert not FeedEntry.objects.get().is_visible


def test_a_new_level_moves_the_post_to_its_audience(alice: User, publish: Publish, as_user: As) -> None:
    post = publish(alice)
    decide(post, Action.LEVEL, ContentLevel.SENSITIVE)
    assert FeedEntry.objects.get().content_level == ContentLevel.SENSITIVE
    assert not PromptExample.objects.exists()
    assert post.public_id not in as_user(None).get("/").content.decode()


def test_a_decision_about_a_picture_reaches_its_post(alice: User, publish: Publish) -> None:
    post = publish(alice)
    Image.objects.update(state=ImageState.HELD, is_public=False)
    decide(post.image, Action.HOLD)
    assert not FeedEntry.objects.get().is_visible


def test_a_ban_hides_all_a_member_published_and_silences_their_votes(alice: User, bob: User, publish: Publish) -> None:
    mine, theirs = publish(alice), publish(bob)
    posts_services.like_post(post=mine, member=bob)
    process_recount_requests(at=NOW)
    ban = Restriction.objects.create(user=bob, kind=Restriction.Kind.BANNED, starts_at=NOW)
    decide(bob, Action.RESTRICT)
    process_recount_requests(at=NOW)
    assert not FeedEntry.objects.get(post=theirs).is_visible
    assert PostCount.objects.get(post=mine).likes == 0
    ban.lifted_at = NOW
    ban.save()
    decide(bob, Action.APPROVE)
    process_recount_requests(at=NOW)
    assert FeedEntry.objects.get(post=theirs).is_visible
    assert PostCount.objects.get(post=mine).likes == 1


def test_a_ban_that_runs_out_shows_again_what_it_hid(alice: User, publish: Publish) -> None:
    post = publish(alice)
    until = NOW + timedelta(days=1)
    Restriction.objects.create(user=alice, kind=Restriction.Kind.BANNED, starts_at=NOW, ends_at=until)
    decide(alice, Action.RESTRICT)
    assert not FeedEntry.objects.get(post=post).is_visible
    assert follow_restrictions(at=until - timedelta(minutes=1)) == 0
    assert follow_restrictions(at=until + timedelta(minutes=1)) == 1
    assert FeedEntry.objects.get(post=post).is_visible


def test_a_mute_that_strikes_brought_takes_the_weight_from_likes(alice: User, bob: User, publish: Publish) -> None:
    post = publish(alice)
    posts_services.like_post(post=post, member=bob)
    process_recount_requests(at=NOW)
    assert PostCount.objects.get(post=post).likes == 1
    Restriction.objects.create(user=bob, kind=Restriction.Kind.MUTED, starts_at=NOW)
    follow_restrictions(at=NOW + timedelta(minutes=1))
    process_recount_requests(at=NOW + timedelta(minutes=1))
    assert PostCount.objects.get(post=post).likes == 0


def test_a_member_takes_along_what_the_feed_keeps(alice: User, bob: User, publish: Publish) -> None:
    post = publish(alice, title="Fox")
    posts_services.like_post(post=publish(bob), member=alice)
    members_services.edit_profile(member=alice, display_name="Alice A.", bio="Foxes.")
    kept = str(export_personal_data(user=alice))
    assert all(word in kept for word in ("Fox", post.public_id, "Alice A.", "Foxes."))


def test_a_deleted_account_leaves_blank_posts_and_no_votes(alice: User, bob: User, publish: Publish) -> None:
    publish(alice, title="Fox")
    other = publish(bob)
    posts_services.like_post(post=other, member=alice)
    members_services.edit_profile(member=alice, display_name="Alice A.", bio="")
    process_recount_requests(at=NOW)
    delete_account(user=alice)
    process_recount_requests(at=NOW)
    buried = Post.objects.get(author=alice)
    assert (buried.title, buried.deleted_at is None) == ("", False)
    assert not Like.objects.exists()
    assert not Profile.objects.exists()
    assert PostCount.objects.get(post=other).likes == 0
