"""Every page with content on it, as those who use it see it, on a phone and a desk and in both themes.

Axe finds nothing, nothing scrolls sideways, and what is on a page stays where it is while it loads.
"""

from collections.abc import Iterable

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page

from accounts.models import Role, User
from feed.challenges.themes.calendar import schedule_challenges
from feed.models import Post
from feed.posts.services import publish_image
from lib.days import local_day
from moderation.cases.services import claim_case, report_target
from tests.browser.test_frame import WATCH_SHIFTS, axe_rules, overflow
from tests.conftest import Person
from tests.generation.fixtures import MakeImage

PHONE = {"viewport": {"width": 390, "height": 844}}
DESK = {"viewport": {"width": 1440, "height": 900}}


@pytest.fixture
def post(alice: User, make_image: MakeImage) -> Post:
    """One picture of hers is published, another is not."""
    make_image(alice, prompt="a fox")
    return publish_image(image=make_image(alice, prompt="a lighthouse at dusk"), author=alice)


MOST_SHIFT = 0.1  # cumulative layout shift of a page; 0.1 is what Google calls good
CONTRAST = {"runOnly": ["color-contrast", "link-in-text-block"]}  # what a theme changes


def complaints(page: Page, paths: Iterable[str]) -> list[str]:
    """What is wrong with the pages: status, sideways scroll, layout shift, axe's findings in both themes."""
    found: list[str] = []
    page.add_init_script(WATCH_SHIFTS)
    for path in paths:
        page.emulate_media(color_scheme="dark")
        answer = page.goto(path)
        assert answer is not None
        if answer.status != 200:
            found.append(f"{path}: {answer.status}")
        if (wide := overflow(page)) > 0:
            found.append(f"{path}: {wide} px too wide")
        rules = axe_rules(page)
        if (moved := page.evaluate("shifted")) >= MOST_SHIFT:
            found.append(f"{path}: moves by {moved:.3f}")
        page.emulate_media(color_scheme="light")
        rules += axe_rules(page, options=CONTRAST)
        found += [f"{path}: {rule['id']} at {[node['target'] for node in rule['nodes'][:3]]}" for rule in rules]
    return found


def check(person: Person, user: User | None, paths: list[str]) -> list[str]:
    return [
        complaint
        for options in (PHONE, DESK)
        for complaint in complaints(person(user, reduced_motion="reduce", **options).new_page(), paths)
    ]


def test_pages_for_visitors(person: Person, post: Post) -> None:
    schedule_challenges(today=local_day(timezone.now()))
    names = ["feed:list", "feed:challenge-today", "feed:about-ranking", "moderation:about", "moderation:log"]
    names += ["feed:styles", "feed:models", "feed:search", "feed:challenge-past", "feed:challenge-leaders"]
    names += ["feed:challenge-ideas", "feed:polls", "ratings:benchmark-list", "moderation:transparency"]
    names += ["moderation:notice", "about", "terms", "privacy", "contact", "offline"]
    names += ["account_login", "account_signup", "account_reset_password"]
    paths = [
        *map(reverse, names),
        reverse("feed:search") + "?q=lighthouse",
        post.get_absolute_url(),
        reverse("feed:profile", args=[post.author.username]),
    ]
    assert check(person, None, paths) == []


def test_a_page_that_is_not_there_stands_in_the_frame(person: Person) -> None:
    assert check(person, None, ["/no-such-page/"]) == ["/no-such-page/: 404"] * 2


def test_pages_for_members(person: Person, post: Post, bob: User) -> None:
    names = ["generation:create", "generation:history", "ratings:compare", "feed:notifications", "feed:profile-edit"]
    names += ["accounts:settings", "accounts:consent", "accounts:tokens", "accounts:webhooks", "accounts:data"]
    names += ["feed:preferences", "feed:notice-settings", "feed:collections", "feed:published", "ratings:standing"]
    names += ["account_email", "account_change_password", "mfa_index", "usersessions_list", "ratings:member-data-use"]
    names += ["feed:list", "moderation:mine", "accounts:delete", "feed:collection-new"]
    own = [post.get_absolute_url(), reverse("generation:detail", args=[post.image.generation.public_id])]
    own += [reverse("feed:publish", args=[post.image.public_id])]
    report = reverse("moderation:report", args=["feed.post", post.public_id])
    assert check(person, bob, [report]) == []
    assert check(person, post.author, [*map(reverse, names), *own]) == []


def test_pages_for_moderators_and_researchers(person: Person, post: Post, bob: User, mod: User, rita: User) -> None:
    case = report_target(target=post, reporter=bob, reason="other", note="It is upside down.").case
    claim_case(moderator=mod, case=case)
    names = ["moderation:queue", "moderation:rules", "moderation:appeals"]
    assert check(person, mod, [*map(reverse, names), reverse("moderation:case", args=[case.public_id])]) == []
    names = ["ratings:research", "ratings:release-list", "ratings:release-new", "ratings:raters"]
    names += ["ratings:research-aspects", "ratings:research-models", "ratings:research-responses"]
    assert check(person, rita, [reverse(name) for name in names]) == []


def test_pages_for_staff(person: Person, rita: User) -> None:
    rita.groups.add(Group.objects.get(name=Role.STAFF))
    rita.refresh_from_db()
    assert check(person, rita, [reverse("ratings:policies")]) == []
