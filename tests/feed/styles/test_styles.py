"""Emergent styles: found, followed, named, and shown to nobody who may not see them."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from feed import rates
from feed.models import EmergentStyle, Post, PostCount, StyledPost, StyleName, StyleWeek
from feed.search.embeddings.vectors import TEXT_DIMENSIONS
from feed.styles import clustering
from feed.styles import services as styles_services
from feed.styles.charts import like_chart
from feed.styles.detection import find_styles, monday
from feed.styles.queries import names_of, trending_styles
from generation.models import Generation
from lib.errors import Refused
from moderation.cases.services import claim_case, open_case
from moderation.decisions.services import decide_case
from tests.conftest import ApiAs, As
from tests.feed.conftest import PublishMany
from tests.feed.hiding import REASONS

NOW = timezone.now()
WEEK = monday(NOW)
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no failure
WORDS = {
    "ink": ["ink wash painting, rice paper, sumi-e", "sumi-e ink wash, brush strokes", "ink wash on rice paper, brush"],
    "neon": ["neon lights, cyberpunk, rain", "cyberpunk city neon, night rain", "neon cyberpunk, glowing signs, rain"],
}


def publish_week(posts: list[Post], words: list[str], week_offset: int = 0) -> None:
    """Gives posts prompts that end in some style words and puts them into a week."""
    at = NOW - timedelta(weeks=week_offset)
    for number, post in enumerate(posts):
        Generation.objects.filter(pk=post.image.generation_id).update(
            prompt=f"thing {number}, {words[number % len(words)]}"
        )
    Post.objects.filter(pk__in=[post.pk for post in posts]).update(published_at=at)


@pytest.fixture
def found(encoder: Path, publish_many: PublishMany) -> list[Post]:
    """24 posts by six members in two styles, and 12 without style words; the styles of the week are found."""
    posts = publish_many(36, authors=6, at=NOW)
    publish_week(posts[:12], WORDS["ink"])
    publish_week(posts[12:24], WORDS["neon"])
    Post.objects.filter(pk__in=[post.pk for post in posts[24:]]).update(published_at=NOW)
    assert find_styles(WEEK, at=NOW) == 2
    return posts


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("a fox, watercolour, soft light", "watercolour, soft light"), ("a fox in watercolour", "watercolour"),
        ("a fox as a woodcut", "woodcut"), ("a fox in the style of an old map", "an old map"), ("a fox", ""), ("", ""),
        ("a fox,", ""),
    ],
)  # fmt: skip
def test_style_words_are_how_and_not_what(prompt: str, words: str) -> None:
    assert clustering.style_words(prompt) == words


def test_typical_words_are_those_that_three_authors_share() -> None:
    texts = [("neon rain", 1), ("neon rain", 2), ("neon fog", 3), ("secret secret", 4), ("secret", 4)]
    assert clustering.typical_words(texts) == "neon"


@UNHURRIED
@given(st.integers(0, 500), st.integers(1, 5_000), st.integers(0, 500), st.integers(1, 5_000))
def test_more_posts_grow_faster_and_an_unchanged_share_does_not_grow(
    posts: int, site: int, before: int, earlier: int
) -> None:
    assert clustering.growth_ratio(posts + 1, site, before, earlier) > clustering.growth_ratio(
        posts, site, before, earlier
    )
    assert clustering.growth_ratio(posts, site, posts, site) == 1


@UNHURRIED
@given(st.integers(0, 50), st.integers(0, 500), st.integers(1, 500), st.integers(1, 5_000))
def test_few_posts_say_little_about_how_a_style_is_liked(
    posts: int, likes: int, site_posts: int, site_likes: int
) -> None:
    assert clustering.relative_like_rate(0, 0, site_posts, site_likes) == pytest.approx(1)
    assert clustering.relative_like_rate(posts, likes + 1, site_posts, site_likes) > clustering.relative_like_rate(
        posts, likes, site_posts, site_likes
    )


def test_each_style_is_matched_once_to_the_nearest_known() -> None:
    east, north = np.eye(2, dtype=np.float32)
    nearly = np.array([0.98, 0.2], dtype=np.float32)
    assert clustering.match_centres([nearly, east], np.stack([east, north])) == [None, 0]
    assert clustering.match_centres([north], np.empty((0, 2), np.float32)) == [None]


def test_like_prompts_are_one_style_and_posts_without_style_words_are_in_none(found: list[Post]) -> None:
    styles = {frozenset(style.styled_posts.values_list("pk", flat=True)) for style in EmergentStyle.objects.all()}
    assert styles == {frozenset(post.pk for post in found[:12]), frozenset(post.pk for post in found[12:24])}
    assert {"ink", "neon"} <= set(
        " ".join(EmergentStyle.objects.values_list("words", flat=True)).replace(",", "").split()
    )


def test_the_same_week_again_changes_nothing_and_the_next_goes_on_with_its_styles(found: list[Post]) -> None:
    before = set(EmergentStyle.objects.values_list("pk", flat=True))
    assert find_styles(WEEK, at=NOW) == 2
    assert set(EmergentStyle.objects.values_list("pk", flat=True)) == before
    assert StyleWeek.objects.count() == 2
    later = NOW + timedelta(weeks=1)
    Post.objects.filter(pk__in=[post.pk for post in found[:8]]).update(published_at=later)
    assert find_styles(WEEK + timedelta(weeks=1), at=later) <= 1
    assert set(EmergentStyle.objects.values_list("pk", flat=True)) == before


def test_what_not_everybody_may_see_is_in_no_style(found: list[Post], encoder: Path) -> None:
    for reason, (hide, _may_open) in REASONS.items():
        point = transaction.savepoint()
        hide(found[0])
        find_styles(WEEK, at=NOW)
        assert not StyledPost.objects.filter(pk=found[0].pk).exists(), reason
        transaction.savepoint_rollback(point)
    found[1].image.is_prompt_hidden = True
    found[1].image.save()
    find_styles(WEEK, at=NOW)
    assert not StyledPost.objects.filter(pk=found[1].pk).exists()


def test_no_style_shows_an_example_that_is_hidden(found: list[Post], bob: User, as_user: As, api_as: ApiAs) -> None:
    style = StyledPost.objects.select_related("style").get(pk=found[0].pk).style
    paths = ["/styles/", f"/styles/{style.public_id}/", "/api/emergent-styles/"]
    StyledPost.objects.filter(pk=found[0].pk).update(distance=0)
    for path in paths:
        assert found[0].public_id in api_as(bob).get(path).content.decode(), path
    for reason, (hide, _may_open) in REASONS.items():
        point = transaction.savepoint()
        hide(found[0])
        for path in paths:
            assert found[0].public_id not in api_as(bob).get(path).content.decode(), (reason, path)
        transaction.savepoint_rollback(point)


def test_the_community_names_a_style_and_the_most_liked_name_is_shown(
    found: list[Post], alice: User, bob: User, mallory: User, as_user: As, api_as: ApiAs
) -> None:
    style = trending_styles(alice, NOW)[0].style
    address = f"/styles/{style.public_id}/"
    as_user(alice).post(f"{address}names/", {"name": "Rain  Glow"})
    as_user(bob).post(f"{address}names/", {"name": "Wet Signs"})
    as_user(mallory).post(f"{address}names/", {"name": "wet signs"})  # the same: a like
    assert sorted(StyleName.objects.values_list("name", flat=True)) == ["Rain Glow", "Wet Signs"]
    assert "<h1><bdi>Wet Signs</bdi></h1>" in as_user(None).get(address).content.decode()
    name = StyleName.objects.get(name="Wet Signs")
    liking = f"{address}names/{name.public_id}/"
    as_user(mallory).post(liking, {"unlike": "1"})
    as_user(bob).post(liking, {"unlike": "1"})
    assert "<h1><bdi>Rain Glow</bdi></h1>" in as_user(None).get(address).content.decode()
    api = f"/api/emergent-styles/{style.public_id}/names/{name.public_id}/like/"
    assert [api_as(bob).put(api).status_code, api_as(bob).put(api).status_code] == [204, 204]
    assert names_of([style], NOW)[style.pk][0].name in {"Rain Glow", "Wet Signs"}
    assert as_user(None).post(f"{address}names/", {"name": "x"}).status_code == 302


def test_a_name_is_reported_removed_and_put_back(
    alice: User, bob: User, mallory: User, mod: User, as_user: As, api_as: ApiAs
) -> None:
    style = EmergentStyle.objects.create(centre=[0.1] * TEXT_DIMENSIONS, words="ink", first_week=WEEK)
    name = styles_services.suggest_name(style=style, member=mallory, name="Borderline")
    address, report = f"/styles/{style.public_id}/", f"/report/feed.stylename/{name.public_id}/"
    assert report in as_user(alice).get(address).content.decode()
    assert report not in as_user(mallory).get(address).content.decode()
    assert as_user(alice).post(report, {"reason": "hate"}).status_code == 200
    for action, is_shown in [("remove", False), ("approve", True)]:
        case = open_case(target=name, origin="report", severity=2)
        claim_case(moderator=mod, case=case)
        decide_case(case=case, moderator=mod, action=action, reason="hate")
        assert ("Borderline" in as_user(None).get(address).content.decode()) is is_shown
        assert bool(api_as(None).get(f"/api/emergent-styles/{style.public_id}/").json()["names"]) is is_shown
        again = as_user(bob).post(f"{address}names/", {"name": "borderline"})
        liked = api_as(bob).put(f"/api/emergent-styles/{style.public_id}/names/{name.public_id}/like/")
        assert (again.status_code, liked.status_code) == ((302, 204) if is_shown else (422, 404))
    assert StyleName.objects.count() == 1


def test_bad_names_are_refused_where_they_were_typed(
    found: list[Post], alice: User, as_user: As, api_as: ApiAs
) -> None:
    style = trending_styles(alice, NOW)[0].style
    long = as_user(alice).post(f"/styles/{style.public_id}/names/", {"name": "x" * 41})
    assert long.status_code == 422
    assert "x" * 41 in long.content.decode()
    assert as_user(alice).post(f"/styles/{style.public_id}/names/", {"name": "fucking shit"}).status_code == 422
    assert api_as(alice).post(f"/api/emergent-styles/{style.public_id}/names/", {"name": "!!"}).status_code == 400
    for name in ("one", "two", "three"):
        styles_services.suggest_name(style=style, member=alice, name=name)
    with pytest.raises(Refused, match="enough names"):
        styles_services.suggest_name(style=style, member=alice, name="four")


def test_the_chart_falls_when_a_style_is_liked_less(found: list[Post], as_user: As) -> None:
    style = EmergentStyle.objects.first()
    assert style is not None
    style.weeks.all().delete()
    likes = [40, 30, 12, 4]
    weeks = [
        StyleWeek.objects.create(
            style=style, week=WEEK - timedelta(weeks=3 - number), posts=10, likes=count, site_posts=100, site_likes=200,
            growth_ratio=1,
        )
        for number, count in enumerate(likes)
    ]  # fmt: skip
    drawn = like_chart(weeks)
    heights = [y for _x, y, _week, _value in drawn.dots]
    assert heights == sorted(heights)
    assert drawn.change is not None
    assert drawn.change < -50
    page = as_user(None).get(f"/styles/{style.public_id}/").content.decode()
    assert drawn.path in page
    assert "css/chart.css" in page  # without it the line is a black shape
    assert f"It is {drawn.decline}% below its best week." in page


def test_likes_of_the_week_are_counted(found: list[Post]) -> None:
    PostCount.objects.filter(pk=found[0].pk).update(likes=7)
    find_styles(WEEK, at=NOW)
    row = StyleWeek.objects.get(style__styled_posts=found[0].pk)
    assert (row.posts, row.likes, row.site_posts, row.site_likes) == (12, 7, 36, 7)


def test_without_styles_the_page_says_so(as_user: As, db: None) -> None:
    assert "No styles yet" in as_user(None).get("/styles/").content.decode()
    assert as_user(None).get("/styles/nothing12345/").status_code == 404


@pytest.mark.usefixtures("db")
def test_naming_and_liking_are_limited_by_the_services(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    style = EmergentStyle.objects.create(centre=[0.0] * TEXT_DIMENSIONS, words="rain", first_week=NOW.date())
    name = styles_services.suggest_name(style=style, member=alice, name="Wet signs")
    monkeypatch.setitem(rates._RATES, "people", (1, 3_600))
    monkeypatch.setitem(rates._RATES, "like", (1, 3_600))
    styles_services.unlike_name(style=style, name_id=name.public_id, member=alice)
    attempts: list[Callable[[], object]] = [
        lambda: [styles_services.suggest_name(style=style, member=alice, name=text) for text in ("one", "two")],
        lambda: styles_services.like_name(style=style, name_id=name.public_id, member=alice),
        lambda: styles_services.unlike_name(style=style, name_id=name.public_id, member=alice),
    ]
    for attempt in attempts:
        with pytest.raises(Refused) as refused:
            attempt()
        assert refused.value.status == 429
