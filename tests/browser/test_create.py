"""The Create page in a real browser."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from accounts.models import User
from generation.models import Checkpoint, Style
from tests.conftest import Person
from tests.generation.fixtures import checkpoint_row

pytestmark = pytest.mark.django_db(transaction=True)


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
    page.locator("select[name=style]").select_option("plain-test")
    page.locator("select[name=checkpoint]").select_option("large")
    expect(page.locator("select[name=style] option")).to_have_text(["None", "Oil", "Plain"])
    expect(page.locator("select[name=size] option")).to_have_count(2)
    expect(page.locator("select[name=style]")).to_have_value("plain-test")
    expect(page.locator("input[name=steps]")).to_have_attribute("max", "80")
    expect(page.locator("textarea[name=prompt]")).to_have_value("a fox, half written")
    expect(page.locator("select[name=checkpoint]")).to_have_value("large")
