"""A challenge in a real browser: entering, voting by keyboard and by thumb, and the result that comes by itself."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import Role, User
from feed.challenges.models import ChallengeEntry
from feed.challenges.results import store_outcome
from feed.challenges.themes.ideas import propose_theme
from feed.models import Challenge, Post
from feed.polls.services import create_poll
from feed.posts.services import publish_image
from feed.rates import unlimited
from lib.days import local_day
from ratings.challenges.services import refresh_count
from ratings.models import Comparison, Policy
from tests.browser.test_frame import DESK, PHONE, overflow, violations
from tests.conftest import MakeMember, Person
from tests.feed.challenges.conftest import outcome_of
from tests.generation.fixtures import MakeImage

SHOTS = os.environ.get("SALON_SHOTS", "")
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]


@pytest.fixture
def days(transactional_db: None, make_member: MakeMember, make_image: MakeImage) -> tuple[Challenge, Challenge]:
    """Yesterday's challenge with four entries, which is voted on, and today's with one."""
    now = timezone.now()
    Policy.objects.filter(is_active=True).update(parameters={"p_ask": {}, "strategies": {"seed": 1.0}, "p_gold": 0.0})
    found = []
    for ago, number in ((1, 4), (0, 1)):
        at = now - timedelta(days=ago)
        challenge = Challenge.objects.create(day=local_day(at), theme=f"Theme of {ago} days ago", hint="Any will do.")
        for n in range(number):
            author = make_member(f"author{ago}{n}")
            image = make_image(author, prompt=f"entry {ago} {n}", at=at, width=96, height=96)
            with unlimited():
                post = publish_image(image=image, author=author, at=at)
            ChallengeEntry.objects.create(challenge=challenge, post=post, member=author, created_at=at)
        found.append(challenge)
    return found[0], found[1]


def shoot(page: Page, name: str) -> None:
    if SHOTS:
        Path(SHOTS).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)


def look_at(page: Page, path: str, name: str) -> None:
    """The page fits, and axe finds nothing in either theme."""
    answer = page.goto(path)
    assert answer is not None
    assert answer.status == 200, path
    shoot(page, name)
    assert overflow(page) <= 0, path
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert violations(page) == [], (path, scheme)


def vote(page: Page, answered: int, press: str) -> None:
    """Answers a pair by a key, or by a tap on the first picture, and waits until the next has come."""
    expect(page.get_by_text(f"{answered} of 6 pairs")).to_be_visible()
    expect(page.locator("button[value=tie]")).to_be_enabled()
    if press:
        page.keyboard.press(press)
    else:
        page.locator(".compare__side").first.tap()
    after = "that is all" if answered == 5 else f"{answered + 1} of 6 pairs"
    expect(page.get_by_text(after)).to_be_visible()


def test_voting_by_keyboard_then_the_countdown_ends_and_the_result_appears(
    days: tuple[Challenge, Challenge], bob: User, person: Person
) -> None:
    voting, _today = days
    page = person(bob, viewport=DESK, color_scheme="light").new_page()
    page.goto("/challenge/")
    page.get_by_role("link", name=voting.theme).click()
    look_at(page, page.url, "vote-desk-light")
    keys = ("ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "s", "ArrowLeft")
    for answered, key in enumerate(keys):
        vote(page, answered, key)
    assert sorted(Comparison.objects.values_list("outcome", flat=True)) == ["both_bad", "left", "left", "right", "tie"]
    look_at(page, voting.get_absolute_url(), "voting-desk-light")
    page.clock.install()
    page.goto(voting.get_absolute_url())
    expect(page.locator(".countdown")).to_be_visible()
    outcome = refresh_count(voting).outcome("time")
    assert store_outcome(challenge=voting, outcome=outcome, at=timezone.now())
    page.clock.fast_forward(50 * 3600 * 1000)
    expect(page.get_by_text("Winner")).to_be_visible(timeout=30_000)
    expect(page.locator(".countdown")).to_have_count(0)
    look_at(page, voting.get_absolute_url(), "result-desk-light")


def test_voting_by_thumb_and_entering_on_a_phone(
    days: tuple[Challenge, Challenge], bob: User, person: Person, make_image: MakeImage
) -> None:
    voting, today = days
    page = person(bob, viewport=PHONE, color_scheme="dark", has_touch=True).new_page()
    look_at(page, f"/challenge/{voting.day}/vote/", "vote-phone-dark")
    sides = [side.bounding_box() for side in page.locator(".compare__side").all()]
    assert all(box and box["width"] > 300 for box in sides), "one above the other, as wide as the phone"
    for answered in range(6):
        vote(page, answered, "")
    assert Comparison.objects.count() == 6
    look_at(page, voting.get_absolute_url(), "voting-phone-dark")
    image = make_image(bob, prompt="mine", width=96, height=96)
    post = publish_image(image=image, author=bob)
    look_at(page, "/", "feed-phone-dark")
    page.get_by_role("link", name=today.theme).click()
    page.get_by_role("button", name="Enter", exact=True).click()
    expect(page.get_by_text("Picture entered.")).to_be_visible()
    assert ChallengeEntry.objects.filter(post=post, challenge=today).exists()
    look_at(page, "/challenge/", "open-phone-dark")


def test_the_other_pages_of_challenges(
    days: tuple[Challenge, Challenge], bob: User, make_member: MakeMember, person: Person
) -> None:
    voting, today = days
    staff = make_member("stella", Role.STAFF)
    entries = voting.entries.order_by("pk").values_list("pk", flat=True)
    outcome = outcome_of({entry: 2.0 - n for n, entry in enumerate(entries)})
    assert store_outcome(challenge=voting, outcome=outcome, at=timezone.now())
    Challenge.objects.create(day=today.day + timedelta(days=1), theme="Tomorrow", hint="Later.")
    Challenge.objects.create(day=today.day + timedelta(days=2), theme="The day after", hint="Later.")
    propose_theme(member=bob, theme="Tea with a dragon", hint="Milk?")
    closes = timezone.now() + timedelta(days=1)
    create_poll(
        question="Tea or coffee?", options=["Tea", "Coffee"], closes_at=closes, created_by=staff, challenge=today
    )
    paths = {
        "feed": "/",
        "open": "/challenge/",
        "result": voting.get_absolute_url(),
        "past": "/challenge/past/",
        "leaders": "/challenge/leaders/?month=all",
        "ideas": "/challenge/ideas/",
        "calendar": "/challenge/calendar/",
        "polls": "/polls/",
    }
    for options, name in ((PHONE, "phone-light"), (DESK, "desk-dark")):
        scheme = name.partition("-")[2]
        page = person(staff, viewport=options, color_scheme=scheme).new_page()
        for of, path in paths.items():
            look_at(page, path, f"{of}-{name}")
    assert Post.objects.count() == 5
