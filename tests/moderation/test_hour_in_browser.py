"""A moderator's hour by keyboard alone, a visitor's notice and an author's appeal, in a real browser."""

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from accounts.models import User
from feed.posts.services import publish_image
from moderation.cases.services import claim_case, report_target
from moderation.decisions.services import decide_case
from moderation.models import Appeal, Case, Decision, Notice
from tests.browser.test_frame import overflow, violations
from tests.conftest import Person
from tests.generation.fixtures import MakeImage
from tests.moderation.test_in_browser import LOOKS, PHONE

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]


def tab_to(page: Page, selector: str) -> None:
    """Presses Tab until the focus is on what a selector names."""
    for _ in range(120):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"Tab does not reach {selector}")


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_a_moderators_hour_by_keyboard_alone(
    size: dict[str, int], scheme: str, person: Person, make_image: MakeImage, alice: User, bob: User, mod: User
) -> None:
    for _ in range(3):
        report_target(target=publish_image(image=make_image(alice), author=alice), reporter=bob, reason="spam")
    page = person(mod, viewport=size, color_scheme=scheme).new_page()
    page.goto(reverse("moderation:queue"))
    page.keyboard.press("f")
    tab_to(page, "#id_author")
    page.keyboard.type("alice")
    page.keyboard.press("Enter")
    page.wait_for_url("**author=alice**")
    assert (overflow(page), violations(page)) == (0, [])
    tab_to(page, "h1, main a")  # out of the form: letters are shortcuts again
    page.keyboard.press("j")
    page.keyboard.press("v")
    expect(page.locator("[data-key-item] .veil img").first).to_have_css("filter", "none")
    page.keyboard.press("n")
    page.wait_for_url("**/moderation/cases/**")
    assert (overflow(page), violations(page)) == (0, [])
    page.keyboard.press("v")
    expect(page.locator(".veil img").first).to_have_css("filter", "none")
    tab_to(page, "input[name=also]")
    page.keyboard.press("Space")
    tab_to(page, "select[name=reason]")
    page.keyboard.type("Spam")
    tab_to(page, "button[value=remove]")
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 more case decided.")).to_be_visible()
    assert Decision.objects.filter(action="remove", reason="spam").count() == 2
    tab_to(page, f"a[href='{reverse('moderation:queue')}']")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{reverse('moderation:queue')}")
    tab_to(page, f"a[href='{reverse('moderation:recent')}']")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{reverse('moderation:recent')}")
    page.keyboard.press("j")
    page.keyboard.press("u")
    expect(page.get_by_text("Undone. You hold the case again.")).to_be_visible()
    page.keyboard.press("a")
    expect(page.get_by_text("Decided: Approve.")).to_be_visible()
    assert Decision.objects.exclude(reverses=None).count() == 1
    assert Case.objects.unclosed().count() == 1


def test_a_visitor_sends_a_notice_without_scripts_and_follows_it(
    person: Person, live_site: str, make_image: MakeImage, alice: User
) -> None:
    post = publish_image(image=make_image(alice), author=alice)
    for javascript in (False, True):
        page = person(None, viewport=PHONE, java_script_enabled=javascript).new_page()
        page.goto(reverse("moderation:notice"))
        if javascript:
            assert (overflow(page), violations(page)) == (0, [])
        page.get_by_label("An intimate picture of me").check()
        page.get_by_label("Address of the page").fill(f"{live_site}/p/{post.public_id}/")
        page.get_by_label("What should we know").fill("That is me.")
        page.get_by_label("What I say here is true").check()
        page.get_by_role("button", name="Send notice").click()
        expect(page.get_by_role("heading", name="Your notice")).to_be_visible()
        if javascript:
            assert (overflow(page), violations(page)) == (0, [])
    assert Notice.objects.count() == 2
    assert Case.objects.get().notices.count() == 2


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_an_author_reads_why_and_appeals(
    size: dict[str, int], scheme: str, person: Person, make_image: MakeImage, alice: User, bob: User, mod: User
) -> None:
    post = publish_image(image=make_image(alice), author=alice)
    case = report_target(target=post, reporter=bob, reason="violence").case
    claim_case(moderator=mod, case=case)
    decide_case(case=case, moderator=mod, action=Decision.Action.REMOVE, reason="violence", note="Too much blood.")
    page = person(alice, viewport=size, color_scheme=scheme).new_page()
    page.goto(reverse("moderation:mine"))
    page.get_by_role("link", name="It was removed.").click()
    expect(page.get_by_text("Too much blood.")).to_be_visible()
    assert (overflow(page), violations(page)) == (0, [])
    page.get_by_label("Why is the decision wrong?").fill("It is tomato soup.")
    page.get_by_role("button", name="Send appeal").click()
    expect(page.get_by_text("It is tomato soup.")).to_be_visible()
    assert Appeal.objects.get().author == alice
