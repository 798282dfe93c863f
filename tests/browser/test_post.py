"""A post and what members do with it, as they see it: axe, phones, and the keys that save and copy."""

import re

import pytest
from playwright.sync_api import expect

from accounts.models import User
from feed.collections.services import create_collection, save_post, share_collection
from feed.comments.services import delete_comment, post_comment
from feed.members.services import follow_member
from feed.models import Collection, CollectionItem, Post
from feed.posts.services import publish_image, tag_post
from tests.browser.test_pages import check
from tests.conftest import Person
from tests.generation.fixtures import MakeImage


@pytest.fixture
def post(alice: User, bob: User, make_image: MakeImage) -> Post:
    """A remix of bob's with a variation, tags, a thread with a tombstone, and a remix of its own."""
    root = publish_image(image=make_image(bob, prompt="a red fox on a hill"), author=bob, title="Den")
    image = make_image(alice, prompt="a blue fox on a steep hill", parent=root.image, remix_kind="inspired")
    publish_image(image=make_image(alice, generation=image.generation), author=alice)
    post = publish_image(image=image, author=alice)
    tag_post(post=post, author=alice, tags=["fox", "night sky"])
    publish_image(image=make_image(bob, prompt="a blue cat", parent=image, remix_kind="same"), author=bob)
    gone = post_comment(post=post, author=bob, text="I should not have said this")
    answer = post_comment(post=post, author=alice, text="Never mind, I like the steep hill", parent=gone)
    post_comment(post=post, author=bob, text="Thank you!", parent=answer)
    delete_comment(comment=gone, member=bob)
    post_comment(post=post, author=bob, text="The light is lovely.")
    return post


@pytest.fixture
def foxes(post: Post, bob: User, alice: User) -> Collection:
    foxes = create_collection(owner=bob, name="Foxes", visibility="shared")
    save_post(post=post, member=bob, collection=foxes)
    share_collection(collection=foxes, owner=bob, username="alice", may_add=True)
    follow_member(member=alice, followed=bob)
    return foxes


def test_pages_of_a_post_and_what_is_done_with_it(person: Person, post: Post, foxes: Collection, bob: User) -> None:
    page, collection = post.get_absolute_url(), foxes.get_absolute_url()
    paths = [page, f"{page}collect/", f"{page}reproduce/", "/collections/", collection, f"{collection}edit/"]
    paths += ["/@alice/", "/@bob/", "/@bob/followers/", "/profile/published/", "/settings/notifications/"]
    paths += ["/notifications/", f"/publish/{bob.posts.get(title='Den').image.public_id}/"]
    assert check(person, bob, paths) == []


def test_the_keys_save_and_copy_on_a_card(person: Person, post: Post, bob: User) -> None:
    context = person(bob, permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto("/@alice/")
    page.keyboard.press("j")
    with page.expect_response(re.compile("/save/")):
        page.keyboard.press("s")
    expect(page.locator(".card").first.get_by_role("button", name="Save")).to_have_attribute("aria-pressed", "true")
    assert CollectionItem.objects.filter(added_by=bob, collection__is_default=True).count() == 1
    page.keyboard.press("c")
    expect(page.get_by_text("Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == post.image.generation.prompt


def test_a_form_that_brought_a_file_can_be_used_again(person: Person, post: Post, alice: User) -> None:
    page = person(alice, accept_downloads=True).new_page()
    page.goto("/profile/published/")
    page.get_by_role("checkbox").first.check()
    # A double click is one; a second press that is meant is another.
    downloads: list[str] = []
    page.on("download", lambda download: downloads.append(download.suggested_filename))
    with page.expect_download():
        page.get_by_role("button", name="Download", exact=True).dblclick()
    with page.expect_download():
        page.get_by_role("button", name="Download all originals").click()  # another button, at once
    page.wait_for_function("(from) => performance.now() - from > 2100", arg=page.evaluate("performance.now()"))
    with page.expect_download():
        page.get_by_role("button", name="Download all originals").click()
    assert len(downloads) == 3
    page.get_by_role("button", name="Take down").click()
    expect(page.get_by_text("taken down").first).to_be_visible()
    assert Post.objects.exclude(unpublished_at=None).count() == 1


def test_tags_are_suggested_while_one_types(person: Person, post: Post, bob: User) -> None:
    page = person(bob).new_page()
    page.goto(f"/publish/{bob.posts.get(title='Den').image.public_id}/")
    field = page.get_by_role("textbox", name="Tags")
    field.press_sequentially("hill, nig")
    page.get_by_role("button", name="night sky").click()
    expect(field).to_have_value("hill, night sky, ")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("link", name="night sky")).to_be_visible()
