"""Publishing by the sheet, taking it back, and several pictures at once, as a creator sees it on phone and desk."""

import os
import re
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import User
from feed.collections.services import create_collection
from feed.models import Challenge, CollectionItem, Post
from feed.tags.services import tags_of
from generation.models import Image, ImageState
from tests.browser.test_frame import overflow, violations
from tests.conftest import Person
from tests.generation.fixtures import MakeImage

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]
LOOKS = [({"width": 390, "height": 844}, "dark"), ({"width": 1440, "height": 900}, "light")]


def look_at(page: Page, name: str) -> None:
    """The page fits, axe finds nothing; a picture of it where SCREENSHOTS names a folder."""
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}-{page.evaluate('innerWidth')}.png")
    assert overflow(page) <= 0
    assert violations(page) == []


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_nothing_is_public_before_the_sheet_is_sent_and_undo_takes_it_back(
    person: Person, alice: User, make_image: MakeImage, size: dict[str, int], scheme: str
) -> None:
    Challenge.objects.update_or_create(day=timezone.localdate(), defaults={"theme": "Something with a fox"})
    create_collection(owner=alice, name="Foxes")
    image = make_image(alice, prompt="a red fox in the snow", width=512, height=512)
    page = person(alice, viewport=size, color_scheme=scheme, reduced_motion="reduce").new_page()
    page.goto(f"/mine/{image.generation.public_id}/")
    page.keyboard.press("p")
    sheet = page.get_by_role("dialog", name="Publish")
    expect(sheet.get_by_label("Title")).to_be_focused()
    assert not Post.objects.exists()
    look_at(page, "publish-sheet")
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    assert not Post.objects.exists()

    page.get_by_role("link", name="Publish: picture 1").click()
    sheet.get_by_label("Title").fill("First snow")
    sheet.get_by_role("textbox", name="Tags").fill("fox, snow")
    sheet.get_by_label("Hide the prompt").check()
    sheet.get_by_label("Collection").select_option(label="Foxes")
    sheet.get_by_label("Enter today's challenge").check()
    sheet.get_by_role("button", name="Publish").click()
    toast = page.locator(".toast", has_text="Published.")
    expect(toast).to_be_visible()
    expect(page.get_by_role("link", name="Published: picture 1")).to_be_visible()
    look_at(page, "published-toast")
    post = Post.objects.select_related("image").get()
    assert (post.title, post.image.is_prompt_hidden, tags_of(post.pk)) == ("First snow", True, ["fox", "snow"])
    assert post.challenge_entries.count() == 1
    assert CollectionItem.objects.get().collection.name == "Foxes"

    toast.get_by_role("button", name="Undo").click()
    expect(page.locator(".toast", has_text="Taken down")).to_be_visible()
    expect(page.get_by_role("link", name="Publish: picture 1")).to_be_visible()
    assert not Image.objects.get().is_public
    page.get_by_role("link", name="Publish: picture 1").click()  # what was filled in is kept
    again = page.get_by_role("dialog", name="Publish again")
    expect(again.get_by_label("Title")).to_have_value("First snow")
    expect(again.get_by_label("Hide the prompt")).to_be_checked()


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_several_pictures_are_found_selected_published_with_an_outcome_for_each(
    person: Person, alice: User, make_image: MakeImage, size: dict[str, int], scheme: str
) -> None:
    fox = make_image(alice, prompt="a fox", width=256, height=256)
    make_image(alice, generation=fox.generation)
    make_image(alice, generation=fox.generation, state=ImageState.HELD)
    make_image(alice, prompt="a boat", negative_prompt="rain", width=320, height=256)
    page = person(alice, viewport=size, color_scheme=scheme, reduced_motion="reduce").new_page()
    page.goto("/mine/")
    look_at(page, "mine")
    page.get_by_role("button", name="Select").click()
    for box in page.get_by_role("checkbox", name=re.compile("a fox")).all():
        box.check()
    expect(page.get_by_text("3 selected")).to_be_visible()
    look_at(page, "mine-selecting")
    page.get_by_role("button", name="Publish", exact=True).click()
    sheet = page.get_by_role("dialog", name="Publish 3 pictures")
    sheet.get_by_role("textbox", name="Tags").fill("fox")
    look_at(page, "publish-several")
    sheet.get_by_role("button", name="Publish").click()
    outcomes = page.get_by_role("dialog", name="2 pictures published.")
    expect(outcomes.locator(".outcomes__row", has_text="Published.")).to_have_count(2)
    expect(outcomes.locator(".outcomes__row", has_text="still being checked")).to_have_count(1)
    look_at(page, "outcomes")
    assert [tags_of(post.pk) for post in Post.objects.all()] == [["fox"], ["fox"]]
    outcomes.get_by_role("button", name="Undo").click()
    expect(page.locator(".toast", has_text="2 pictures are no longer published.")).to_be_visible()
    assert not Image.objects.filter(is_public=True).exists()

    page.get_by_role("button", name="Favourite: picture 2, a fox").click()
    expect(page.get_by_role("button", name="Favourite: picture 2, a fox")).to_have_attribute("aria-pressed", "true")
    page.get_by_label("Published or favourite").select_option(label="Favourites")
    expect(page.locator("figure.made")).to_have_count(1)
    page.goto("/mine/")
    page.get_by_text("Filters", exact=True).click()
    page.get_by_label("Size").select_option(label="320 × 256")
    expect(page.locator("figure.made")).to_have_count(1)
    expect(page.get_by_role("link", name="a boat", exact=True)).to_be_visible()
    page.goto("/mine/?negative=RAIN&since=2020-01-01&kind=text2img")
    expect(page.get_by_role("link", name="a boat", exact=True)).to_be_visible()
    look_at(page, "mine-filtered")
    page.get_by_role("button", name="Select").click()
    page.get_by_role("checkbox", name=re.compile("a boat")).check()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("dialog", name="Are you sure?").get_by_role("button", name="Yes").click()
    expect(page.locator(".toast", has_text="1 picture deleted.")).to_be_visible()
    expect(page.locator("figure.made")).to_have_count(0)


def test_what_failed_is_tried_again_from_my_pictures_without_scripts_too(
    person: Person, alice: User, make_image: MakeImage
) -> None:
    """My pictures has no place for new ones: its buttons lead to the page of the result."""
    failed = make_image(alice, prompt="a fox", state=ImageState.FAILED)
    for has_scripts in (True, False):
        Image.objects.filter(pk=failed.pk).update(state=ImageState.FAILED)
        page = person(alice, java_script_enabled=has_scripts).new_page()
        page.goto("/mine/")
        page.get_by_role("button", name="Try again").click()
        expect(page).to_have_url(re.compile(f"/mine/{failed.generation.public_id}/"))
        assert Image.objects.get(pk=failed.pk).state == ImageState.QUEUED
