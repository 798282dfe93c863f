"""One picture's way through the whole site, followed by four people in a real browser.

Nora signs up, makes and publishes; bob likes, copies and remixes; mod decides; rita takes a dataset home. Every
part is the one that runs in production: web server, workers, database, broker, files, the starter checkpoint.
"""

import io
import re
import zipfile
from pathlib import Path
from typing import Any

import datasets
import pytest
from django.core.management import call_command
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import User
from feed.models import Challenge, Post
from feed.ranking.precomputed import rebuild_due_lists
from generation.models import Checkpoint, Image, ImageState
from moderation.models import Case, Rule
from ratings.models import Ask, AskOutcome, Policy, Release
from tests import processes
from tests.conftest import Person
from tests.ratings.releases.community import community, make_pair

__all__ = ["community", "make_pair"]  # fixtures

PASSWORD = "a long walk through the gallery"
PROMPT = "a cat on a red background"
SOON, DRAWN = 15_000, 120_000  # milliseconds a person would wait, and a picture may take on a busy machine

pytestmark = [pytest.mark.timeout(900), pytest.mark.django_db(transaction=True)]


@pytest.fixture
def starter(transactional_db: None) -> Checkpoint:
    call_command("register_checkpoint", "--starter", verbosity=0)
    return Checkpoint.objects.get(slug="starter")


@pytest.fixture
def theme(transactional_db: None) -> Challenge:
    challenge, _is_new = Challenge.objects.update_or_create(
        day=timezone.localdate(), defaults={"theme": "Something red", "hint": "Any red will do."}
    )
    return challenge


@pytest.fixture
def always_asks(transactional_db: None) -> None:
    """A policy that asks after every generation, so that the walk meets its question."""
    for policy in Policy.objects.all():
        certain = {**policy.parameters, "p_ask": {**policy.parameters["p_ask"], "result": 1.0}}
        Policy.objects.filter(pk=policy.pk).update(parameters=certain)


@pytest.fixture
def site_rule(transactional_db: None) -> None:
    Rule.objects.create(
        slug="unmentionable", pattern=r"\bunmentionable\b", effect=Rule.Effect.BLOCK, reason="That is not drawn here."
    )


def sign_up(page: Page, name: str) -> None:
    page.goto("/accounts/signup/")
    page.get_by_label("Username").fill(name)
    page.locator("input[name=password1]").fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    expect(page).to_have_url(re.compile(r"/$"))


def agree_to_everything(page: Page) -> None:
    page.goto("/settings/consent/")
    boxes = page.locator("main input[type=checkbox]")
    for number in range(boxes.count()):
        boxes.nth(number).check()
    page.get_by_role("button", name="Save").first.click()
    expect(page.locator("main input[type=checkbox]").first).to_be_checked()


def make_four(page: Page, prompt: str, worker: Any, start: str = "/create/") -> None:
    """Writes a prompt and watches: the place in the queue before a worker is there, then steps and previews."""
    if start:
        page.goto(start)
    page.locator("textarea[name=prompt]").fill(prompt)
    page.get_by_role("button", name="Create").click()
    expect(page.locator("[data-queue-place]")).to_have_text("1", timeout=SOON)
    expect(page.locator("figure.made")).to_have_count(4)
    with worker():
        expect(page.locator("[data-preview]:visible").first).to_be_visible(timeout=DRAWN)
        expect(page.locator(".made__state progress:visible").first).to_be_visible(timeout=SOON)
        expect(page.locator("a.made__picture img")).to_have_count(4, timeout=DRAWN)


def answer_the_question(page: Page, member: User) -> None:
    """One light question about the result, in the ledger before it is shown, answered with one key."""
    expect(page.locator("form.question")).to_be_visible(timeout=SOON)
    ask = Ask.objects.get(rater=member, outcome=AskOutcome.OPEN)
    assert 0 < ask.propensity <= 1
    page.keyboard.press("4")
    expect(page.get_by_text("Thanks!")).to_be_visible(timeout=SOON)
    ask.refresh_from_db()
    assert ask.outcome == AskOutcome.ANSWERED


def publish_into_challenge(page: Page, member: User) -> Post:
    image = Image.objects.filter(author=member, state=ImageState.READY).earliest("position")
    page.goto(f"/publish/{image.public_id}/")
    page.get_by_label("Enter today's challenge").check()
    page.get_by_role("button", name="Publish").click()
    post = Post.objects.get(image=image)
    expect(page).to_have_url(re.compile(f"/p/{post.public_id}/"))
    page.goto("/challenge/")
    expect(page.locator(f"[data-post='{post.public_id}']")).to_be_visible()
    return post


def find_like_and_copy(page: Page, post: Post) -> None:
    rebuild_due_lists(at=timezone.now())  # what beat does every minute: the top lists are worked out beforehand
    for address in ("/?sort=new", "/", "/?sort=top&window=day"):
        page.goto(address)
        expect(page.locator(f"[data-post='{post.public_id}']").first).to_be_visible()
    page.goto(f"/p/{post.public_id}/")
    heart = page.locator(".post__actions [data-like]")
    heart.click()
    expect(heart).to_have_attribute("aria-pressed", "true")
    page.locator(".post__actions").get_by_role("button", name="Copy").click()
    expect(page.locator(".toast").first).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == PROMPT


def remix(page: Page, parent: Post, member: User, worker: Any) -> None:
    page.goto(f"/p/{parent.public_id}/")
    page.locator(".post__actions").get_by_role("link", name="Remix").first.click()
    expect(page.locator("textarea[name=prompt]")).to_have_value(PROMPT)
    make_four(page, "a cat on a blue background", worker, start="")
    page.get_by_role("link", name="Publish: ").first.click()
    page.get_by_role("dialog", name="Publish").get_by_role("button", name="Publish").click()
    expect(page.get_by_text("Published.")).to_be_visible()
    child = Post.objects.get(author=member)
    page.goto(f"/p/{child.public_id}/")
    expect(page.get_by_text("Based on pictures by nora")).to_be_visible()


def meet_a_rule(page: Page) -> None:
    """The refusal comes before any work, beside the prompt, which is kept."""
    before = Image.objects.count()
    page.goto("/create/")
    page.locator("textarea[name=prompt]").fill("one unmentionable thing")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_text("That is not drawn here.")).to_be_visible()
    expect(page.locator("textarea[name=prompt]")).to_have_value("one unmentionable thing")
    assert Image.objects.count() == before


def report(page: Page, post: Post) -> None:
    page.goto(f"/p/{post.public_id}/")
    page.get_by_label("More", exact=True).click()
    page.get_by_role("link", name="Report", exact=True).click()
    page.get_by_label("Spam").check()
    page.get_by_role("button", name="Send report").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert Case.objects.filter(target_type="feed.post", target_id=post.pk).exists()


def take_it_down(page: Page, post: Post) -> None:
    """A moderator takes the case and removes the post."""
    case = Case.objects.get(target_type="feed.post", target_id=post.pk)
    page.goto("/moderation/")
    page.goto(f"/moderation/cases/{case.public_id}/")
    page.get_by_role("button", name="Claim case").click()
    expect(page.get_by_role("button", name="Remove")).to_be_visible()
    page.locator("select[name=reason]").select_option("spam")
    page.get_by_role("button", name="Remove").click()
    expect(page).to_have_url(re.compile("/moderation/"))
    case.refresh_from_db()
    assert case.state == Case.State.CLOSED


def is_gone(page: Page, post: Post) -> None:
    answer = page.goto(f"/p/{post.public_id}/")
    assert answer is not None
    assert answer.status == 404
    for address in ("/?sort=new", "/", "/challenge/", f"/@{post.author.username}/"):
        page.goto(address)
        expect(page.locator(f"[data-post='{post.public_id}']")).to_have_count(0)


def take_a_dataset_home(page: Page, folder: Path) -> None:
    """Preview, build with progress, download; the unpacked folder is read by `datasets` as it is."""
    page.goto("/research/releases/new/")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("heading", name="What the release would contain")).to_be_visible(timeout=SOON)
    page.get_by_role("button", name="Build").click()
    expect(page.get_by_text("Published", exact=True).first).to_be_visible(timeout=DRAWN)
    release = Release.objects.get()
    archive = page.request.get(page.locator("a[href*='release.zip']").first.get_attribute("href") or "")
    assert archive.ok
    with zipfile.ZipFile(io.BytesIO(archive.body())) as bundle:
        bundle.extractall(folder / "home")
    (manifest,) = (folder / "home").rglob("manifest.json")
    pairs = datasets.load_dataset(str(manifest.parent), cache_dir=str(folder / "cache"))
    assert {"train", "validation"} <= set(pairs)
    assert set(pairs["train"].unique("label_0")) <= {0.0, 1.0}
    assert "pickapic" in release.name


def test_one_picture_travels_through_the_whole_site(
    starter: Checkpoint,
    theme: Challenge,
    always_asks: None,
    site_rule: None,
    community: Any,
    bob: User,
    mod: User,
    rita: User,
    live_site: str,
    default_worker: Any,
    person: Person,
    tmp_path: Path,
) -> None:
    def gpu_worker() -> Any:
        return processes.worker("walk-gpu", "gpu.default", tmp_path, VAR_DIR=str(tmp_path))

    hers, theirs = person().new_page(), person(mod).new_page()
    his_browser = person(bob)
    his_browser.grant_permissions(["clipboard-read", "clipboard-write"], origin=live_site)
    his = his_browser.new_page()

    sign_up(hers, "nora")
    nora = User.objects.get(username="nora")
    agree_to_everything(hers)
    make_four(hers, PROMPT, gpu_worker)
    answer_the_question(hers, nora)
    post = publish_into_challenge(hers, nora)
    find_like_and_copy(his, post)
    remix(his, post, bob, gpu_worker)
    meet_a_rule(his)
    report(his, post)
    take_it_down(theirs, post)
    is_gone(his, post)
    is_gone(person().new_page(), post)
    take_a_dataset_home(person(rita).new_page(), tmp_path)
