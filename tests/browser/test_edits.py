"""Brush, frame, mood board and draft in a real browser, drawn by a real (tiny) checkpoint."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from generation.media import storage
from generation.models import Checkpoint, Generation, Image, InputPicture
from lib.images import open_stored
from tests.browser.test_publishing import LOOKS, look_at
from tests.conftest import Person
from tests.generation.fixtures import MakeImage

SOON, DRAWN = 15_000, 90_000  # milliseconds
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(400)]


def mask_of(made: Generation) -> np.ndarray[Any, Any]:
    """How light each pixel of its mask is, 0 to 255."""
    upload = made.inputs.get(role=InputPicture.Role.MASK).upload
    assert upload is not None
    return np.asarray(open_stored(storage.read(upload.file)).convert("L"))


def created(page: Page, count: int) -> Generation:
    """Presses Create and waits for the row."""
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.locator(".result")).to_have_count(count, timeout=SOON)
    return Generation.objects.latest("pk")


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_a_part_is_painted_over_and_the_frame_is_dragged(
    tiny_checkpoint: Checkpoint, alice: User, make_image: MakeImage, person: Person, size: dict[str, int], scheme: str
) -> None:
    image = make_image(alice, prompt="a boat", checkpoint=tiny_checkpoint, width=64, height=64)
    page = person(alice, viewport=size, color_scheme=scheme, reduced_motion="reduce").new_page()
    page.goto(f"/mine/{image.generation.public_id}/")
    page.get_by_label("More: picture 1").click()
    page.get_by_role("link", name="Redraw a part").click()
    canvas = page.get_by_role("img", name="Paint over")
    expect(page.locator("[data-mask-editor]")).to_have_attribute("data-painted", "")  # the picture is there
    canvas.scroll_into_view_if_needed()
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("a boat")
    box = canvas.bounding_box()
    assert box is not None
    x, y = box["x"], box["y"] + box["height"] / 4
    page.mouse.move(x + 2, y)
    page.mouse.down()
    page.mouse.move(x + box["width"] - 2, y, steps=6)
    page.mouse.up()
    expect(page.locator("[data-mask-editor]")).not_to_have_attribute("data-painted", "")
    look_at(page, "mask")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("[data-mask-editor]")).to_have_attribute("data-painted", "")
    page.mouse.move(x + 2, y)
    page.mouse.down()
    page.mouse.move(x + box["width"] - 2, y, steps=6)
    page.mouse.up()
    page.get_by_role("button", name="Erase").click()
    canvas.focus()
    for key in ("ArrowUp", "ArrowLeft", "Space", "BracketRight"):  # by keyboard, where the pointer left the brush
        page.keyboard.press(key)
    page.wait_for_function("document.querySelector('[name=mask_file]').files.length === 1")
    made = created(page, 1)
    mask = mask_of(made)
    assert (made.kind, made.source_image_id) == ("inpaint", image.pk)
    upper, lower = mask[: len(mask) // 2].mean(), mask[len(mask) // 2 :].mean()
    assert upper > 20
    assert lower == 0

    page.goto(f"/create/?remix={image.public_id}&kind=same&start_from={image.public_id}&edit_kind=outpaint")
    right = page.get_by_role("slider", name="Right side")
    right.scroll_into_view_if_needed()
    box = right.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2 + 60, box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    assert int(page.get_by_label("Right", exact=True).input_value()) >= 8
    page.get_by_role("slider", name="Bottom side").focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_label("Bottom", exact=True)).to_have_value("8")
    page.get_by_label("Right", exact=True).fill("32")
    expect(page.locator("[data-frame-size]")).to_have_text("96 × 72")
    look_at(page, "frame")
    made = created(page, 1)
    assert (made.kind, made.edit["borders"]) == ("outpaint", {"left": 0, "top": 0, "right": 32, "bottom": 8})


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_a_draft_is_drawn_while_one_types_and_finished_and_a_mood_board_is_followed(
    tiny_checkpoint: Checkpoint,
    alice: User,
    make_image: MakeImage,
    person: Person,
    gpu_worker: object,
    default_worker: object,
    size: dict[str, int],
    scheme: str,
) -> None:
    moods = [make_image(alice, prompt=f"a red fox {n}", checkpoint=tiny_checkpoint) for n in range(2)]
    page = person(alice, viewport=size, color_scheme=scheme, reduced_motion="reduce").new_page()
    page.goto("/create/", wait_until="domcontentloaded")
    toggle = page.get_by_label("Draft while I type")
    stood = toggle.bounding_box()
    expect(page.locator("#cost")).to_contain_text("This uses")
    assert toggle.bounding_box() == stood, "what one is about to press stays where it is when the cost comes"
    toggle.check()
    page.get_by_label("Prompt", exact=True).press_sequentially("a cat on a boat", delay=10)
    expect(page.locator("#draft a.made__picture img")).to_be_visible(timeout=DRAWN)
    draft = Image.objects.get(generation__is_draft=True, state="ready")
    look_at(page, "draft")
    page.get_by_role("button", name="Finish").click()
    expect(page.locator("#results .result")).to_have_count(1, timeout=SOON)
    expect(page.locator("#results a.made__picture img")).to_be_visible(timeout=DRAWN)
    final = Generation.objects.latest("pk")
    assert (final.kind, final.source_image_id, final.images.get().seed) == ("final", draft.pk, draft.seed)
    toggle.uncheck()

    page.get_by_text("Mood board", exact=True).click()
    for mood in moods:
        page.locator(f".board__offer [data-board-add='{mood.public_id}']").click()
    expect(page.locator(".board__place .thumb")).to_have_count(2, timeout=SOON)
    look_at(page, "board")
    page.get_by_role("button", name="Remove from the board").first.click()
    expect(page.locator(".board__place .thumb")).to_have_count(1, timeout=SOON)
    made = created(page, 2)
    reference = made.inputs.get(role=InputPicture.Role.REFERENCE)
    assert reference.image_id == moods[1].pk
    expect(page.locator("#results .result").first.locator("a.made__picture img")).to_have_count(4, timeout=DRAWN)
    page.get_by_label("More: picture 1").first.click()
    page.get_by_role("button", name="Variations").first.click()
    expect(page.locator("#results .result")).to_have_count(3, timeout=SOON)
    assert Generation.objects.latest("pk").kind == "variation"
    assert Path(page.url).name == Generation.objects.latest("pk").public_id
