"""Pausing, reordering and cancelling what waits, in a real browser: phone and desk, dark and light, axe clean."""

import os
from pathlib import Path

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import User
from generation.models import Checkpoint
from generation.queue.capacity import record_speed
from tests.browser.test_frame import overflow, violations
from tests.conftest import Person
from tests.generation.fixtures import checkpoint_row
from tests.generation.requests import submit

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]
LOOKS = [({"width": 390, "height": 844}, "dark"), ({"width": 1440, "height": 900}, "light")]


@pytest.fixture
def toy(db: None) -> Checkpoint:
    return checkpoint_row("toy", "toy")


def _look_at(page: Page, name: str) -> None:
    assert overflow(page) <= 0
    assert violations(page) == []
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"waiting-{name}.png", full_page=True)


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_one_picture_is_paused_another_cancelled_and_the_cost_follows_the_form(
    person: Person, alice: User, toy: Checkpoint, size: dict[str, int], scheme: str
) -> None:
    generation = submit(alice, count=3)
    image = generation.images.get(position=0)
    record_speed(worker="w", pool="default", cost=image.cost_units, seconds=20.0, at=timezone.now())
    page = person(alice, viewport=size, color_scheme=scheme).new_page()
    page.goto(reverse("generation:detail", args=[generation.public_id]))
    expect(page.get_by_text("Place 1 in the queue")).to_be_visible()
    _look_at(page, f"waiting-{size['width']}-{scheme}")
    figures = page.locator("figure.made")
    figures.nth(0).get_by_role("button", name="Pause").click()
    expect(figures.nth(0).get_by_text("Paused")).to_be_visible()
    figures.nth(1).get_by_role("button", name="Cancel").click()
    expect(figures.nth(1).get_by_text("Cancelled")).to_be_visible()
    figures.nth(2).get_by_role("button", name="Draw first").click()
    expect(page.get_by_text("drawn first")).to_be_visible()
    figures.nth(0).get_by_role("button", name="Resume").click()
    expect(figures.nth(0).get_by_role("button", name="Pause")).to_be_visible()
    _look_at(page, f"resumed-{size['width']}-{scheme}")
    states = list(generation.images.order_by("position").values_list("state", flat=True))
    assert states == ["queued", "cancelled", "queued"]
    page.goto(reverse("generation:create"))
    expect(page.locator("#cost")).to_contain_text("This uses 1 %")
    _look_at(page, f"create-{size['width']}-{scheme}")
