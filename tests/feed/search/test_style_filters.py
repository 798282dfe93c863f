"""`style:` finds what members call a style, under the filters of every search, and says so."""

from collections.abc import Callable, Sequence

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.utils import timezone

from accounts.models import User, Viewer
from feed.models import Block, EmergentStyle, HiddenPost, Mute, Post, StyledPost, StyleName, StyleWeek
from feed.posts.services import publish_image
from feed.search.embeddings.vectors import TEXT_DIMENSIONS
from feed.search.query_language import parse
from feed.search.results import ResultPage, read_results
from feed.styles import services as styles_services
from feed.styles.detection import monday
from generation.models import Style
from moderation.models import Restriction
from tests.conftest import ApiAs, As
from tests.feed.conftest import Publish
from tests.feed.hiding import REASONS

VISITOR = AnonymousUser()
NOW = timezone.now()
WEEK = monday(NOW)
pytestmark = pytest.mark.django_db


def emerge(posts: Sequence[Post]) -> EmergentStyle:
    style = EmergentStyle.objects.create(centre=[0.1] * TEXT_DIMENSIONS, words="ink wash", first_week=WEEK)
    for post in posts:
        StyledPost.objects.create(post=post, style=style, week=WEEK, distance=0.1)
    return style


@pytest.fixture
def wet(publish: Publish, alice: User, bob: User) -> list[Post]:
    """Four posts of alice's; the first two are in a style that bob called “Wet Signs & Rain”."""
    posts = [publish(alice, prompt=f"street {number}", at=NOW) for number in range(4)]
    styles_services.suggest_name(style=emerge(posts[:2]), member=bob, name="Wet Signs & Rain")
    assert found("style:wet-signs-rain", bob) == {post.pk for post in posts[:2]}
    return posts


def look(text: str, viewer: Viewer = VISITOR) -> ResultPage:
    return read_results(parse(text), viewer, at=timezone.now())


def found(text: str, viewer: Viewer = VISITOR) -> set[int]:
    return {post.pk for post in look(text, viewer).posts}


@pytest.mark.parametrize("typed", ['"wet signs & rain"', "wet-signs-rain", '"WET Signs, rain"'])
def test_a_style_is_found_by_the_name_that_members_gave_it(typed: str, wet: list[Post]) -> None:
    assert found(f"style:{typed}") == {post.pk for post in wet[:2]}
    assert found(f"-style:{typed}") == {post.pk for post in wet[2:]}
    assert look(f"style:{typed}").notes == ()


@pytest.mark.parametrize("typed", ["wet", "wet-signs", "wet-signs-rain-fall", "wets-igns-rain", "wet.*", "ink-wash"])
def test_a_part_of_a_name_is_no_name(typed: str, wet: list[Post]) -> None:
    assert look(f"style:{typed}").notes == (f"There is no style called “{typed}”.",)
    assert found(f"style:{typed}") == set()


def test_the_page_says_which_style_was_used_and_leads_to_it(wet: list[Post], as_user: As, api_as: ApiAs) -> None:
    style = EmergentStyle.objects.get()
    page = as_user(None).get("/search/?q=style:wet-signs-rain").content.decode()
    assert f'<a href="/styles/{style.public_id}/"><bdi>filter: members’ “Wet Signs &amp; Rain”</bdi></a>' in page
    used = api_as(None).get("/api/search/?q=-style:wet-signs-rain").json()["used"]
    assert used == [
        {"part": "-style:wet-signs-rain", "how": "filter", "words": "excluded: members’ “Wet Signs & Rain”"}
    ]


def test_a_name_that_the_site_offers_too_finds_both(wet: list[Post], publish: Publish, alice: User, bob: User) -> None:
    etching = Style.objects.get_or_create(slug="etching", defaults={"name": "Etching"})[0]
    ours = publish(alice, prompt="a hill", style=etching, at=NOW)
    assert look("style:etching").used[0].words == "filter"
    styles_services.suggest_name(style=EmergentStyle.objects.get(), member=bob, name="Etching")
    assert found("style:etching") == {ours.pk, wet[0].pk, wet[1].pk}
    assert found("-style:etching") == {wet[2].pk, wet[3].pk}
    assert look("style:etching").used[0].words == "filter: the site’s style and members’ “Etching”"


def test_two_styles_of_one_name_are_both_found(wet: list[Post], bob: User) -> None:
    styles_services.suggest_name(style=emerge(wet[2:3]), member=bob, name="wet signs - rain")
    assert found("style:wet-signs-rain") == {post.pk for post in wet[:3]}
    assert look("style:wet-signs-rain").used[0].url == ""


@pytest.mark.parametrize("reason", REASONS)
def test_what_is_hidden_is_not_found_by_its_style(reason: str, wet: list[Post], bob: User) -> None:
    REASONS[reason][0](wet[0])
    assert wet[0].pk not in found("style:wet-signs-rain", bob) | found("style:wet-signs-rain")


def test_blocks_mutes_and_what_is_of_no_interest_hold_here_too(wet: list[Post], alice: User, bob: User) -> None:
    hidings: list[Callable[[], object]] = [
        lambda: HiddenPost.objects.create(member=bob, post=wet[0], created_at=NOW),
        lambda: Block.objects.create(member=alice, blocked=bob, created_at=NOW),
        lambda: Mute.objects.create(member=bob, kind=Mute.Kind.AUTHOR, author=alice, created_at=NOW),
    ]
    for hide in hidings:
        with transaction.atomic():
            point = transaction.savepoint()
            hide()
            assert wet[0].pk not in found("style:wet-signs-rain", bob)
            transaction.savepoint_rollback(point)


def test_a_name_that_was_taken_down_or_is_of_somebody_banned_names_nothing(wet: list[Post], bob: User) -> None:
    Restriction.objects.create(user=bob, kind=Restriction.Kind.BANNED, starts_at=NOW)
    assert found("style:wet-signs-rain") == set()
    Restriction.objects.all().delete()
    StyleName.objects.update(removed_at=NOW)
    assert found("style:wet-signs-rain") == set()


def test_who_hides_a_prompt_leaves_the_style_that_its_words_made(wet: list[Post], alice: User, bob: User) -> None:
    publish_image(image=wet[0].image, author=alice, title="", hide_prompt=True)
    assert found("style:wet-signs-rain", bob) == {wet[1].pk}
    assert not StyledPost.objects.filter(pk=wet[0].pk).exists()


def test_the_empty_search_offers_the_names_of_growing_styles(wet: list[Post], as_user: As) -> None:
    style = EmergentStyle.objects.get()
    assert "Wet Signs" not in as_user(None).get("/search/").content.decode()
    StyleWeek.objects.create(style=style, week=WEEK, posts=2, likes=0, site_posts=4, site_likes=0, growth_ratio=2)
    page = as_user(None).get("/search/").content.decode()
    address = "/search/?q=style%3A%22Wet+Signs+%26+Rain%22"
    assert f'<a class="chip" href="{address}"><bdi>Wet Signs &amp; Rain</bdi></a>' in page
