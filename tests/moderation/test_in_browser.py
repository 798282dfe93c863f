"""Settings and moderation in a real browser: two sizes, two themes, nothing overflows, axe finds nothing."""

import os
from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from accounts.models import User
from accounts.services import record_consent, set_viewing
from accounts.tokens.services import issue_token
from feed.models import Post
from feed.posts.services import publish_image
from generation.models import Image
from moderation.cases.services import claim_case, report_target
from moderation.decisions.services import decide_case
from moderation.models import Decision
from tests.browser.test_frame import overflow, violations
from tests.conftest import Person
from tests.generation.fixtures import MakeImage

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1440, "height": 900}
LOOKS = [(PHONE, "light"), (DESK, "dark")]
if "SCREENSHOTS" in os.environ:
    LOOKS += [(DESK, "light"), (PHONE, "dark")]


def look_at(page: Page, path: str) -> None:
    """Opens a page and finds nothing to complain about; keeps a picture of it where SCREENSHOTS names a folder."""
    page.goto(path)
    folder, size = os.environ.get("SCREENSHOTS"), page.viewport_size
    if folder and size:
        scheme = "dark" if page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") else "light"
        name = path.strip("/").replace("/", "-") or "start"
        page.screenshot(path=Path(folder) / f"{name}-{size['width']}-{scheme}.png", full_page=True)
    assert page.locator("h1").count() == 1, path
    assert overflow(page) <= 0, path
    assert violations(page) == [], path


def test_every_page_of_settings_and_moderation_looks_right(
    person: Person, make_image: MakeImage, alice: User, bob: User, mallory: User, mod: User
) -> None:
    post = publish_image(image=make_image(alice), author=alice)
    issue_token(user=alice, name="notebook")
    record_consent(user=alice, purpose="train", granted=True)
    first = report_target(target=post, reporter=bob, reason="sexual", note="Not marked as such.").case
    report_target(target=mallory, reporter=bob, reason="intimate")
    claim_case(moderator=mod, case=first)
    decision = decide_case(
        case=first, moderator=mod, action=Decision.Action.LEVEL, reason="sexual", level=1, note="Please mark it."
    )
    set_viewing(user=mallory, is_adult=False, max_level=1)
    again = report_target(target=post, reporter=mallory, reason="violence").case
    claim_case(moderator=mod, case=again)
    own = [reverse(f"accounts:{name}") for name in ("settings", "consent", "tokens", "webhooks", "data")]
    own += [reverse("moderation:mine"), reverse("moderation:decision", args=[decision.public_id])]
    own += [reverse(f"moderation:{name}") for name in ("log", "about", "notice")]
    own += [reverse("moderation:report", args=["accounts.user", bob.public_id])]
    theirs = [reverse(f"moderation:{name}") for name in ("queue", "appeals", "rules", "recent", "transparency")]
    theirs += [reverse("moderation:case", args=[again.public_id])]
    theirs += [reverse("moderation:member", args=[alice.public_id])]
    for size, scheme in LOOKS:
        for user, paths in ((alice, own), (mod, theirs)):
            page = person(user, viewport=size, color_scheme=scheme).new_page()
            for path in paths:
                look_at(page, path)


def test_a_moderator_decides_by_keyboard_and_reads_what_the_author_will(
    person: Person, make_image: MakeImage, alice: User, bob: User, mod: User
) -> None:
    post = publish_image(image=make_image(alice), author=alice)
    report_target(target=post, reporter=bob, reason="violence")
    page = person(mod, viewport=DESK).new_page()
    page.goto(reverse("moderation:queue"))
    page.keyboard.press("n")
    expect(page.locator(".veil img")).to_have_css("filter", "blur(28px) saturate(0.6)")
    page.keyboard.press("v")
    expect(page.locator(".veil img")).to_have_css("filter", "none")
    page.get_by_label("Reason").select_option("violence")
    expect(page.locator("#preview")).to_contain_text("Violence shown for its own sake")
    page.locator("h1").click()
    page.keyboard.press("r")
    page.wait_for_url(f"**{reverse('moderation:queue')}")
    assert Decision.objects.get().action == Decision.Action.REMOVE
    assert Post.objects.get().removed_at is not None
    assert Image.objects.get().state == "rejected"
    visitor = person(bob).new_page()
    answer = visitor.goto(f"/p/{post.public_id}/")
    assert answer is not None
    assert answer.status == 404
