"""The Create page in a real browser."""

import base64
import io
from pathlib import Path

import PIL.Image
import pytest
from django.utils import timezone
from PIL.PngImagePlugin import PngInfo
from playwright.sync_api import Page, expect

from accounts.models import User
from feed.models import Challenge, ChallengeEntry
from feed.posts.services import publish_image
from generation.media import storage
from generation.models import Checkpoint, Generation, Style
from ratings.models import Policy
from tests.browser.test_publishing import LOOKS, look_at
from tests.conftest import Person
from tests.generation.fixtures import MakeImage, checkpoint_row
from tests.generation.requests import png_bytes
from tests.ratings.conftest import ALWAYS

SOON, DRAWN = 15_000, 90_000  # milliseconds
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(400)]


@pytest.fixture
def two_checkpoints(transactional_db: None, tiny_folder: Path) -> None:
    Checkpoint.objects.update(is_enabled=False)
    small = checkpoint_row("small", str(tiny_folder), sizes=[[64, 64]], schedulers=["DDIMScheduler"])
    large = checkpoint_row("large", str(tiny_folder), sizes=[[512, 512], [768, 512]], max_steps=80)
    for slug, owners in {"ink": [small], "oil": [large], "plain": [small, large]}.items():
        style, _is_new = Style.objects.get_or_create(slug=f"{slug}-test", name=slug.title(), template="{prompt}")
        style.checkpoints.set(owners)


def test_another_checkpoint_brings_its_own_styles_and_sizes_and_loses_no_word(
    two_checkpoints: None, alice: User, person: Person
) -> None:
    page = person(alice).new_page()
    page.goto("/create/")
    page.locator("textarea[name=prompt]").fill("a fox, half written")
    page.get_by_role("radio", name="Plain").check()
    page.locator("select[name=checkpoint]").select_option("large")
    expect(page.locator("#pick-style .tile__name")).to_have_text(["None", "Oil", "Plain"])
    expect(page.locator("#pick-size input")).to_have_count(2)
    expect(page.get_by_role("radio", name="Plain")).to_be_checked()
    expect(page.get_by_role("radio", name="Square")).to_be_checked()
    expect(page.locator("input[name=steps]")).to_have_attribute("max", "80")
    expect(page.locator("textarea[name=prompt]")).to_have_value("a fox, half written")
    expect(page.locator("select[name=checkpoint]")).to_have_value("large")


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_one_goes_on_from_a_result_without_leaving_it_and_enters_it_by_three_clicks(
    tiny_checkpoint: Checkpoint,
    alice: User,
    person: Person,
    gpu_worker: object,
    default_worker: object,
    size: dict[str, int],
    scheme: str,
) -> None:
    Policy.objects.filter(is_active=True).update(parameters=ALWAYS)
    Challenge.objects.update_or_create(day=timezone.localdate(), defaults={"theme": "Something afloat"})
    Checkpoint.objects.update(hints={"about": "It knows a few things.", "words": {"Things": ["a cat", "a boat"]}})
    page = person(alice, viewport=size, color_scheme=scheme, reduced_motion="reduce").new_page()
    page.goto("/create/")
    look_at(page, "create")
    page.get_by_role("button", name="a cat").click()
    page.get_by_label("Prompt", exact=True).press_sequentially(" on the sea")
    page.get_by_role("radio", name="2", exact=True).check()
    expect(page.locator("#prompt-tokens")).to_contain_text("tokens", timeout=SOON)
    page.get_by_text("Advanced", exact=True).click()
    page.get_by_role("button", name="Roll another seed").click()
    expect(page.get_by_role("button", name="Keep this seed")).to_have_attribute("aria-pressed", "true")
    seed = page.locator("#id_seed").input_value()
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.locator("figure.made")).to_have_count(2, timeout=SOON)
    expect(page.locator("a.made__picture img")).to_have_count(2, timeout=DRAWN)
    expect(page.locator("#spoken")).to_have_text("2 pictures of “a cat on the sea” are ready.")
    first = Generation.objects.get()
    assert first.images.get(position=0).seed == int(seed)
    assert page.url.endswith(f"/mine/{first.public_id}/")
    question = page.locator("form.question")
    expect(question).to_be_in_viewport(timeout=SOON)
    expect(question.locator("[data-key='4']")).to_have_count(1)
    look_at(page, "result-asked")
    page.keyboard.press("4")
    expect(page.get_by_text("Thanks!")).to_be_visible(timeout=SOON)

    page.get_by_label("Prompt", exact=True).fill("a boat at night")
    page.get_by_label("Prompt", exact=True).press("Control+Enter")
    expect(page.locator(".result")).to_have_count(2, timeout=SOON)
    expect(page.locator(".result").first).to_contain_text("a boat at night")
    expect(page.locator("a.made__picture img")).to_have_count(4, timeout=DRAWN)
    look_at(page, "result-two")
    page.locator(".result").first.get_by_role("link", name="Publish: picture 1").click()
    sheet = page.get_by_role("dialog", name="Publish")
    sheet.get_by_label("Enter today's challenge").check()
    sheet.get_by_role("button", name="Publish").click()  # the third click
    expect(page.get_by_role("link", name="Published: picture 1")).to_be_visible(timeout=SOON)
    assert ChallengeEntry.objects.get().post.image.generation.prompt == "a boat at night"
    page.reload()
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("a boat at night")
    expect(page.get_by_text("Advanced", exact=True).locator("..")).to_have_attribute("open", "")
    page.get_by_label("Recent prompts").click()
    page.get_by_role("button", name="a cat on the sea").click()
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("a cat on the sea")
    page.get_by_label("Prompt", exact=True).fill("x" * 2001)
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.get_by_text("the limit is 2,000")).to_be_visible(timeout=SOON)
    expect(page.locator(".result")).to_have_count(1)


CARRY = """([id, name, type, data]) => {
  const bytes = Uint8Array.from(atob(data), (each) => each.charCodeAt(0));
  const carrier = new DataTransfer();
  carrier.items.add(new File([bytes], name, { type }));
  const target = document.querySelector(id);
  const paste = id === 'body';
  target.dispatchEvent(paste
    ? new ClipboardEvent('paste', { clipboardData: carrier, bubbles: true, cancelable: true })
    : new DragEvent('drop', { dataTransfer: carrier, bubbles: true, cancelable: true }));
}"""


def carry(page: Page, target: str, data: bytes) -> None:
    """Drops a PNG on an element, or pastes it into the page."""
    page.evaluate(CARRY, [target, "picture.png", "image/png", base64.b64encode(data).decode()])


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_a_dropped_picture_brings_its_settings_and_a_pasted_one_is_started_from(
    alice: User, make_image: MakeImage, person: Person, size: dict[str, int], scheme: str
) -> None:
    image = make_image(alice, prompt="a lighthouse at dusk", seed=77001)
    text = "a foreign boat\nSteps: 5, Sampler: Nothing Known, CFG scale: 4, Seed: 12, Size: 64x64, Model: elsewhere"
    foreign = io.BytesIO()
    chunks = PngInfo()
    chunks.add_text("parameters", text)
    PIL.Image.new("RGB", (64, 64), "teal").save(foreign, "PNG", pnginfo=chunks)
    page = person(alice, viewport=size, color_scheme=scheme, reduced_motion="reduce").new_page()
    page.goto("/create/")
    carry(page, "h1", storage.original_png(image))
    expect(page.get_by_text("Settings of a picture made by Salon")).to_be_visible(timeout=SOON)
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("a lighthouse at dusk")
    expect(page.locator("#id_seed")).to_have_value("77001")
    carry(page, "#results", foreign.getvalue())
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("a foreign boat", timeout=SOON)
    expect(page.get_by_text("Not taken:")).to_be_visible()
    expect(page.locator("[data-notices]")).to_contain_text("Nothing Known")
    look_at(page, "recalled")
    expect(page.get_by_label("Strength")).to_be_hidden()
    page.get_by_role("button", name="Start from this picture").click()
    expect(page.get_by_label("Strength")).to_be_visible()
    page.get_by_role("button", name="Do not start from this picture").click()
    expect(page.get_by_label("Strength")).to_be_hidden()
    carry(page, "body", png_bytes((96, 64)))
    expect(page.get_by_alt_text("The picture to start from")).to_be_visible()
    look_at(page, "started-from")
    carry(page, "h1", png_bytes((64, 64)))
    expect(page.get_by_text("does not say how it was made")).to_be_visible(timeout=SOON)
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("a foreign boat")


def test_a_prompt_is_expanded_in_sight_and_taken_back(
    alice: User, bob: User, make_image: MakeImage, person: Person
) -> None:
    for author in (alice, bob):
        image = make_image(author, prompt="a lighthouse at dusk, golden hour, oil on canvas")
        publish_image(image=image, author=author)
    page = person(alice, viewport={"width": 390, "height": 844}, color_scheme="dark").new_page()
    page.goto("/create/")
    page.get_by_label("Prompt", exact=True).fill("a lighthouse")
    page.get_by_role("button", name="Expand").click()
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("a lighthouse, golden hour, oil on canvas")
    expect(page.locator("[data-expanded]")).to_contain_text("golden hour, oil on canvas")
    look_at(page, "expanded")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("a lighthouse")
    page.get_by_label("Prompt", exact=True).fill("zebra")
    page.get_by_role("button", name="Expand").click()
    expect(page.get_by_text("Nothing fits these words.")).to_be_visible()
