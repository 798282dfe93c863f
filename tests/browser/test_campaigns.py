"""A researcher's campaign in a real browser: set up, drawn by the queue, answered by members, read, and released."""

import io
import re
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import User
from generation.models import Checkpoint, Image
from ratings.benchmarks.prompts import Prompt
from ratings.campaigns import services
from ratings.campaigns.imports.pictures import import_pictures
from ratings.campaigns.pictures import draw_campaigns
from ratings.models import Campaign, Question, Rating
from tests.browser.test_publishing import LOOKS, look_at
from tests.conftest import MakeMember, Person
from tests.generation.fixtures import MakeImage, checkpoint_row
from tests.ratings.answers import consent
from tests.ratings.campaigns.archives import archive_of, rows_of
from tests.ratings.campaigns.example_campaigns import answer_all, opened, preference

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]
PHONE = {"width": 390, "height": 844}
BUILT = 60_000  # ms
PROMPTS = 6


@pytest.fixture
def models(tiny_checkpoint: Checkpoint, tiny_folder: Path) -> list[Checkpoint]:
    return [tiny_checkpoint, checkpoint_row("tiny-two", str(tiny_folder))]


@pytest.mark.long
def test_a_campaign_from_start_to_release(
    models: list[Checkpoint],
    rita: User,
    bob: User,
    make_member: MakeMember,
    person: Person,
    run_gpu_worker_inline: Callable[..., int],
    default_worker: object,
) -> None:
    crowd = [make_member(f"rater{n}") for n in range(5)]
    consent(bob, *crowd)
    page = person(rita).new_page()
    set_up(page)
    draw_campaigns()  # what the schedule does
    run_gpu_worker_inline()
    assert draw_campaigns() == 1
    page.reload()
    page.get_by_role("button", name="Start asking").click()
    expect(page.get_by_text("Campaign started")).to_be_visible()

    campaign = Campaign.objects.get()
    answer_by_keyboard(person(bob, viewport=PHONE).new_page(), campaign)
    for rater in (bob, *crowd):
        answer_all(campaign, rater, lambda ask: 1 + ask.pk % 5)
    page.reload()
    expect(page.get_by_text("of 72 wanted")).to_be_visible()
    means = page.get_by_role("region", name="Mean answers").get_by_role("row").filter(has_text="tiny")
    expect(means).to_have_count(2)
    for row in means.all():
        expect(row).to_contain_text(re.compile(r"\d\.\d\d–\d\.\d\d"))

    page.get_by_role("link", name="Make its release").click()
    page.get_by_role("button", name="Build release").click()
    expect(page.get_by_role("link", name="Download everything")).to_be_visible(timeout=BUILT)
    with page.expect_download() as got:
        page.get_by_role("link", name="Download everything").click()
    with zipfile.ZipFile(io.BytesIO(got.value.path().read_bytes())) as archive:
        names = {Path(name).parts[-2] for name in archive.namelist() if name.endswith(".parquet")}
        card = next(archive.read(name).decode() for name in archive.namelist() if name.endswith("README.md"))
    assert {"ratings", "asks", "images"} <= names
    assert "How sharp is this picture?" in card


def set_up(page: Page) -> None:
    page.goto("/research/")
    page.get_by_role("link", name="Campaigns").click()
    page.get_by_role("link", name="New campaign").click()
    page.get_by_label("Title").fill("Sharp foxes")
    page.get_by_label("Prompts", exact=False).first.fill("\n".join(f"a fox {n}" for n in range(PROMPTS)))
    for model in ("Tiny", "Tiny-Two"):
        page.get_by_label(model, exact=True).check()
    page.get_by_label("Size of the pictures").select_option(f"{32}x{32}")
    page.get_by_label("Question", exact=True).select_option("new")
    page.get_by_label("The new question").fill("How sharp is this picture?")
    page.get_by_label("Its five steps").fill("Blurred\nSoft\nFair\nSharp\nVery sharp")
    page.get_by_label("Answers", exact=True).fill("6")
    page.get_by_label("Consent text").fill("We study sharpness. Your answers are published.")
    page.get_by_role("button", name="Create campaign").click()
    expect(page.get_by_role("heading", name="Sharp foxes")).to_be_visible()


def answer_by_keyboard(page: Page, campaign: Campaign) -> None:
    page.goto("/campaigns/")
    page.get_by_role("link", name="Sharp foxes").click()
    expect(page.get_by_text("We study sharpness.")).to_be_visible()
    page.get_by_role("button", name="I agree, ask me").click()
    for n, key in enumerate(("4", "0", "x"), start=1):
        expect(page.locator("form[data-question] [data-key='1']")).to_be_enabled()
        picture = page.locator(".question__picture")
        source = picture.get_attribute("src")
        page.keyboard.press(key)
        expect(page.locator(".question__picture")).not_to_have_attribute("src", source or "")
        expect(page.get_by_text(f"{min(n, 2)} answer")).to_be_visible()
    assert sorted(campaign.asks.values_list("outcome", flat=True)) == ["answered", "answered", "open", "skipped"]
    steps = Rating.objects.exclude(value=None).get()
    assert steps.value == (2 if steps.ask.is_scale_reversed else 4)  # the fourth step that was shown
    assert steps.ask.dwell_ms


def send_archive(page: Page) -> None:
    """A campaign about pictures of other models, one of which can't be decoded."""
    rows = rows_of(["Model A", "lab/model-b"], ["a fox"])
    sent = archive_of(rows, files={rows[0]["file_name"]: b"\x89PNG\r\n\x1a\n"}).read()
    page.goto("/research/campaigns/new/")
    page.get_by_label("Title").fill("Foxes of others")
    page.get_by_label("Question", exact=True).select_option("lighting")
    page.get_by_label("Consent text").fill("We study lighting.")
    page.get_by_label("Licence of the pictures").fill("CC0-1.0")
    page.get_by_label("An archive of pictures").set_input_files(
        {"name": "foxes.zip", "mimeType": "application/zip", "buffer": sent}
    )
    page.get_by_role("button", name="Create campaign").click()
    expect(page.get_by_text("Its pictures are being imported.")).to_be_visible()
    assert import_pictures(campaign=Campaign.objects.get(title="Foxes of others"), seconds=100)
    page.reload()
    page.get_by_text("Which could not be imported, and why").click()
    expect(page.get_by_text("This picture is damaged", exact=False)).to_be_visible()


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_pages_of_campaigns_fit_and_axe_finds_nothing(
    person: Person,
    rita: User,
    bob: User,
    make_member: MakeMember,
    make_image: MakeImage,
    size: dict[str, int],
    scheme: str,
) -> None:
    two = [checkpoint_row(slug, slug) for slug in ("aurora", "basalt")]
    prompts = [Prompt(f"a fox {n}") for n in range(PROMPTS)]
    rated = opened(two, rita, make_image, prompts=prompts, answers_wanted=20)
    compared = opened(two, rita, make_image, prompts=prompts, question=preference(), title="Pairs of foxes")
    better = set(Image.objects.filter(campaign_picture__checkpoint=two[0]).values_list("pk", flat=True))
    for rater in [make_member(f"rater{n}") for n in range(6)]:
        answer_all(rated, rater, lambda ask: (4 if ask.image_id in better else 2) + ask.pk % 2)
        if rater.username in {"rater0", "rater1"}:
            answer_all(compared, rater, lambda ask: "left" if ask.pk % 3 else "tie")
    page = person(rita, viewport=size, color_scheme=scheme).new_page()
    for name, path in (("list", ""), ("new", "new/"), ("rated", f"{rated.slug}/"), ("pairs", f"{compared.slug}/")):
        page.goto(f"/research/campaigns/{path}")
        look_at(page, f"campaign-{name}-{scheme}")
    page.goto(f"/research/releases/new/?campaign={rated.slug}")
    look_at(page, f"campaign-release-{scheme}")

    send_archive(page)
    look_at(page, f"campaign-imported-{scheme}")

    lighting = Question.objects.active().get(slug="lighting-pair")
    more = opened(two, rita, make_image, prompts=prompts, question=lighting, title="More foxes")
    page = person(bob, viewport=size, color_scheme=scheme).new_page()
    page.goto("/campaigns/")
    look_at(page, f"campaign-studies-{scheme}")
    for campaign, name in ((rated, "question"), (more, "pair")):
        page.goto(f"/campaigns/{campaign.slug}/")
        look_at(page, f"campaign-consent-{name}-{scheme}")
        page.get_by_role("button", name="I agree, ask me").click()
        expect(page.get_by_text("0 answers so far")).to_be_visible()
        look_at(page, f"campaign-{name}-{scheme}")
    expect(page.locator("button[value=left]")).to_be_enabled()
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_text("1 answer so far")).to_be_visible()
    page.get_by_role("button", name="Leave this study").click()
    page.get_by_role("button", name="Yes, go on").click()
    expect(page.get_by_text("You have left this study")).to_be_visible()
    assert services.end_past_campaigns(at=timezone.now() + timedelta(days=40)) == 4
    page.goto(f"/campaigns/{more.slug}/")
    look_at(page, f"campaign-closed-{scheme}")
