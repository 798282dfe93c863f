"""The family tree: the whole ancestry, what changed on the way, credit upwards, and nothing that is hidden."""

import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.models import Notification, User
from feed.members import services as members_services
from feed.models import Post
from feed.posts import services as posts_services
from feed.posts.lineage import Lineage, Part, Relative, diff_prompts, lineage_of
from tests.conftest import As
from tests.feed.conftest import Publish

NOW = timezone.now()
words = st.lists(st.sampled_from(["red", "fox", "a", "on", "hill,", "é"]), max_size=12).map(" ".join)


@given(words, words)
@settings(max_examples=60, deadline=None)
def test_a_difference_holds_both_prompts(before: str, after: str) -> None:
    parts = diff_prompts(before, after)
    assert " ".join(part.text for part in parts if part.change != "added") == before
    assert " ".join(part.text for part in parts if part.change != "removed") == after


def test_a_difference_is_by_word() -> None:
    assert diff_prompts("a red fox on a hill", "a blue fox on a steep hill") == [
        Part("same", "a"),
        Part("removed", "red"),
        Part("added", "blue"),
        Part("same", "fox on a"),
        Part("added", "steep"),
        Part("same", "hill"),
    ]


@pytest.fixture
def line(alice: User, bob: User, mallory: User, publish: Publish) -> list[Post]:
    """alice's fox, bob's remix of it, mallory's of that, and alice's of that."""
    posts: list[Post] = []
    for author, prompt in [(alice, "a red fox"), (bob, "a blue fox"), (mallory, "a blue cat"), (alice, "one blue cat")]:
        parent = posts[-1].image if posts else None
        posts.append(publish(author, prompt=prompt, parent=parent, remix_kind="inspired" if parent else ""))
    return posts


def seen(lineage: Lineage) -> object:
    def node(relative: Relative) -> object:
        changed = [part.text for part in relative.difference or [] if part.change != "same"]
        mark = "here" if relative.is_here else relative.card.id
        return ("gap" if relative.is_gap else "", mark, changed, [node(child) for child in relative.children])

    return node(lineage.root)


def test_the_whole_ancestry_and_what_came_after(line: list[Post], bob: User, publish: Publish) -> None:
    twin = publish(bob, prompt="a blue dog", parent=line[1].image)
    first, second, third, fourth = line
    assert seen(lineage_of(third, bob, NOW)) == (
        "", first.public_id, [],
        [("", second.public_id, ["red", "blue"],
          [("", "here", ["fox", "cat"], [("", fourth.public_id, ["a", "one"], [])])])],
    )  # fmt: skip
    below = lineage_of(first, bob, NOW).root
    assert {child.card.id for child in below.children[0].children} == {third.public_id, twin.public_id}
    assert lineage_of(fourth, bob, NOW).credits == ["bob", "mallory"]
    assert lineage_of(third, bob, NOW).credits == ["alice", "bob"]


def test_a_hidden_prompt_never_leaks_by_a_difference(line: list[Post], alice: User, bob: User, as_user: As) -> None:
    posts_services.publish_image(image=line[1].image, author=bob, hide_prompt=True)
    for viewer in (alice, None):
        for post in (line[0], line[2], line[3]):
            page = as_user(viewer).get(f"/p/{post.public_id}/").content.decode()
            assert "blue fox" not in page
            assert "<ins><bdi>blue</bdi></ins>" not in page
            assert "<del><bdi>fox</bdi></del>" not in page
    assert "<ins><bdi>blue</bdi></ins>" in as_user(bob).get(f"/p/{line[2].public_id}/").content.decode()
    assert "<ins><bdi>one</bdi></ins>" in as_user(alice).get(f"/p/{line[2].public_id}/").content.decode()


@pytest.mark.parametrize("reason", ["unpublished", "removed", "block", "mute"])
def test_what_is_not_shown_is_a_gap_without_a_difference(
    reason: str, line: list[Post], alice: User, bob: User, mallory: User
) -> None:
    first, second, third, _fourth = line
    if reason == "unpublished":
        posts_services.unpublish_post(post=second, author=bob)
    elif reason == "removed":
        Post.objects.filter(pk=second.pk).update(removed_at=NOW)
    elif reason == "block":
        members_services.block_member(member=mallory, blocked=bob)
    else:
        members_services.mute(member=mallory, kind="author", value=bob)
    lineage = lineage_of(Post.objects.with_card(mallory).get(pk=third.pk), mallory, timezone.now())
    assert lineage.credits == ["alice"]
    assert seen(lineage)[3][0][:3] == ("gap", "here", [])  # type: ignore[index]
    assert lineage.root.card.id == first.public_id


def test_a_hidden_beginning_is_a_gap_too(line: list[Post], alice: User, bob: User) -> None:
    posts_services.unpublish_post(post=line[0], author=alice)
    lineage = lineage_of(Post.objects.with_card(bob).get(pk=line[1].pk), bob, NOW)
    assert (lineage.root.is_here, lineage.root.is_gap) == (True, True)


def test_every_author_above_is_notified_once(line: list[Post], alice: User, bob: User, mallory: User) -> None:
    found = Notification.objects.filter(target_id=line[3].pk, target_type="feed.post")
    assert set(found.values_list("recipient__username", "kind")) == {
        ("mallory", "post.remixed"),
        ("bob", "post.descended"),
    }


def test_a_family_costs_a_fixed_number_of_queries(
    line: list[Post], bob: User, publish: Publish, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(4):
        publish(bob, prompt="more", parent=line[2].image)
    post = Post.objects.with_card(bob).get(pk=line[1].pk)
    with django_assert_max_num_queries(5):
        lineage_of(post, bob, NOW)
