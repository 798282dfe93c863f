"""Follows, blocks, mutes: what they change in every list, and what they leave alone."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from feed.members import services as members_services
from feed.members.models import Mute as MuteModel
from feed.members.queries import visible_members
from feed.models import Follow, Mute, Post, PostTag, Tag
from feed.posts import services as posts_services
from feed.posts.services import like_post
from generation.services import submit_generation
from lib.errors import NotFound, Refused
from tests.conftest import ApiAs, As, MakeMember
from tests.feed.conftest import Publish

NOW = timezone.now()
HIDE, BLUR = Mute.Effect.HIDE, Mute.Effect.BLUR


def listed(viewer: User) -> set[int]:
    return set(Post.objects.listed_for(viewer, NOW).values_list("pk", flat=True))


def test_a_block_hides_each_from_the_other_and_ends_follows(alice: User, bob: User, publish: Publish) -> None:
    by_alice, by_bob = publish(alice), publish(bob)
    members_services.follow_member(member=bob, followed=alice)
    assert members_services.block_member(member=alice, blocked=bob)
    assert not members_services.block_member(member=alice, blocked=bob)
    assert not Follow.objects.exists()
    assert listed(alice) == {by_alice.pk}
    assert listed(bob) == {by_bob.pk}
    for viewer, post in ((alice, by_bob), (bob, by_alice)):
        assert not Post.objects.visible_to(viewer, NOW).filter(pk=post.pk).exists()
        assert not visible_members(viewer, NOW).filter(pk=post.author_id).exists()
        with pytest.raises(NotFound):
            like_post(post=post, member=viewer)
        with pytest.raises(NotFound):
            members_services.follow_member(member=viewer, followed=post.author)
    assert Post.objects.listed_for(AnonymousUser(), NOW).count() == 2
    members_services.unblock_member(member=alice, blocked=bob)
    assert listed(bob) == {by_alice.pk, by_bob.pk}


@pytest.mark.parametrize("is_blocker", [True, False])
def test_a_block_reaches_pictures_remixes_and_questions(
    is_blocker: bool, alice: User, bob: User, mod: User, publish: Publish, as_user: As, api_as: ApiAs
) -> None:
    image = publish(alice, prompt="a red fox").image
    form = f"/create/?remix={image.public_id}&kind=same"
    paths = [f"/api/images/{image.public_id}/", form, reverse("ratings:ask", args=[image.public_id])]
    assert {as_user(bob).get(path).status_code for path in paths} <= {200, 204}
    one, other = (bob, alice) if is_blocker else (alice, bob)
    members_services.block_member(member=one, blocked=other)
    assert {path: as_user(bob).get(path).status_code for path in paths} == dict.fromkeys(paths, 404)
    sent = {"remix": image.public_id, "kind": "same", "prompt": "a red fox", "checkpoint": "toy"}
    assert as_user(bob).post("/create/", sent).status_code == 404
    asked = {"prompt": "a red fox", "checkpoint": "toy", "parent": image.public_id}
    assert api_as(bob).post("/api/generations/", asked).status_code == 404
    with pytest.raises(NotFound):
        submit_generation(author=bob, idempotency_key="k", parent=image, prompt="a fox", checkpoint="toy")
    for viewer in (None, alice, mod):
        assert api_as(viewer).get(paths[0]).status_code == 200


def mute_of(kind: str, post: Post) -> object:
    return {
        "tag": "foxes",
        "word": "Red, FOX",
        "checkpoint": post.image.generation.checkpoint,
        "author": post.author,
    }[kind]


@pytest.mark.parametrize("kind", Mute.Kind.values)
def test_a_mute_hides_what_it_names_from_its_member_alone(
    kind: str, alice: User, bob: User, publish: Publish, make_member: MakeMember
) -> None:
    post = publish(alice, prompt="a red fox, asleep", title="Nap")
    other = publish(bob, prompt="a red foxglove")
    PostTag.objects.create(post=post, tag=Tag.objects.create(name="foxes"))
    row = members_services.mute(member=bob, kind=kind, value=mute_of(kind, post), at=NOW)  # type: ignore[arg-type]
    assert listed(bob) == {other.pk}, "own posts are never muted"
    assert listed(alice) == listed(make_member("carol")) == {post.pk, other.pk}
    assert Post.objects.visible_to(bob, NOW).filter(pk=post.pk).exists(), "its page still opens"
    members_services.mute(member=bob, kind=kind, value=mute_of(kind, post), effect=BLUR, at=NOW)  # type: ignore[arg-type]
    assert Mute.objects.count() == 1
    shown = Post.objects.listed_for(bob, NOW).with_card(bob, NOW).in_bulk()
    assert {pk: shown[pk].is_blurred for pk in shown} == {post.pk: True, other.pk: False}
    members_services.unmute(mute=row)
    assert not any(post.is_blurred for post in Post.objects.listed_for(bob, NOW).with_card(bob, NOW))


def test_a_mute_ends_when_it_was_said_to(alice: User, bob: User, publish: Publish) -> None:
    post = publish(alice)
    end = NOW + timedelta(hours=1)
    members_services.mute(member=bob, kind="author", value=alice, expires_at=end, at=NOW)
    assert post.pk not in listed(bob)
    assert Post.objects.listed_for(bob, end).filter(pk=post.pk).exists()
    members_services.mute(member=bob, kind="author", value=alice, effect=BLUR, expires_at=end, at=NOW)
    for at, is_blurred in ((NOW, True), (end, False)):
        assert Post.objects.listed_for(bob, at).with_card(bob, at).get(pk=post.pk).is_blurred is is_blurred
    with pytest.raises(Refused) as refused:
        members_services.mute(member=bob, kind="word", value="fox", expires_at=NOW, at=NOW)
    assert "expires_at" in refused.value.fields


@pytest.mark.parametrize(
    ("words", "prompt", "is_hidden"),
    [
        ("fox", "a FOX.", True),
        ("fox", "a foxglove", False),
        ("École", "une école rouge", True),
        ("жук", "большой ЖУК", True),
        ("red fox", "a red, fox", True),
        ("100%", "a 100 percent wool hat", True),
        ("a_b", "a b", True),
    ],
)
def test_muted_words_are_whole_words(
    words: str, prompt: str, is_hidden: bool, alice: User, bob: User, publish: Publish
) -> None:
    post = publish(alice, prompt=prompt)
    members_services.mute(member=bob, kind="word", value=words, at=NOW)
    assert (post.pk not in listed(bob)) == is_hidden


def test_muted_words_do_not_tell_what_a_hidden_prompt_says(alice: User, bob: User, publish: Publish) -> None:
    hidden = publish(alice, prompt="a fox", title="Untold", hide_prompt=True)
    members_services.mute(member=bob, kind="word", value="fox", at=NOW)
    assert hidden.pk in listed(bob)
    members_services.mute(member=bob, kind="word", value="untold", at=NOW)
    assert hidden.pk not in listed(bob)


@pytest.mark.parametrize("words", ["", "  ", "!?", "x" * 61])
def test_words_that_name_nothing_are_refused(words: str, bob: User) -> None:
    with pytest.raises(Refused) as refused:
        members_services.mute(member=bob, kind="word", value=words)
    assert "value" in refused.value.fields
    assert not MuteModel.objects.exists()


def test_a_muted_alias_mutes_the_tag_it_stands_for(alice: User, bob: User, publish: Publish) -> None:
    post, tag = publish(alice), Tag.objects.create(name="fox")
    Tag.objects.create(name="vulpes", alias_of=tag)
    PostTag.objects.create(post=post, tag=tag)
    members_services.mute(member=bob, kind="tag", value="#Vulpes")
    assert post.pk not in listed(bob)


def test_not_interested_hides_one_post_until_it_is_taken_back(
    alice: User, bob: User, publish: Publish, make_member: MakeMember
) -> None:
    post, other = publish(alice), publish(alice)
    assert posts_services.hide_post(post=post, member=bob)
    assert not posts_services.hide_post(post=post, member=bob)
    assert listed(bob) == {other.pk}
    assert listed(make_member("carol")) == {post.pk, other.pk}
    posts_services.unhide_post(post=post, member=bob)
    assert listed(bob) == {post.pk, other.pk}
    with pytest.raises(Refused):
        posts_services.hide_post(post=post, member=alice)


def test_nobody_follows_blocks_or_mutes_themselves(alice: User) -> None:
    for refused in (
        lambda: members_services.follow_member(member=alice, followed=alice),
        lambda: members_services.block_member(member=alice, blocked=alice),
        lambda: members_services.mute(member=alice, kind="author", value=alice),
    ):
        with pytest.raises(Refused) as error:
            refused()
        assert error.value.code == "own"


def test_there_is_a_bound_to_what_a_member_may_mute(bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members_services, "MAX_MUTES", 1)
    members_services.mute(member=bob, kind="word", value="fox")
    with pytest.raises(Refused) as refused:
        members_services.mute(member=bob, kind="word", value="cat")
    assert refused.value.status == 409
