"""A theme a day: the day is the site's, wherever the reader is."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.management import call_command
from pytest_django.fixtures import Settings

from accounts.models import User
from feed.challenges import services as challenges_services
from feed.challenges.services import begun_on, schedule_challenges, theme_bank
from feed.models import Challenge, ChallengeEntry, FeedEntry
from lib.days import day_bounds, local_day
from lib.errors import Refused
from tests.conftest import ApiAs, As
from tests.feed.conftest import Publish

DAY = date(2026, 3, 7)


@pytest.fixture
def challenge(settings: Settings, db: None) -> Challenge:
    """A day in New York: 5:00 UTC to 5:00 UTC of the next."""
    settings.TIME_ZONE = "America/New_York"
    return Challenge.objects.create(day=DAY, theme="Round things")


def moment(day: int, hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, second, tzinfo=UTC)


@pytest.mark.parametrize(
    ("made", "entered", "code"),
    [
        (moment(7, 5), moment(7, 5, 1), ""),
        (moment(8, 4, 59, 58), moment(8, 4, 59, 59), ""),
        (moment(7, 4, 59, 59), moment(7, 5), "not_today"),
        (moment(8, 4, 59, 59), moment(8, 5), "not_open"),
        (moment(6, 23), moment(6, 23, 30), "not_open"),
    ],
)
def test_an_entry_is_made_and_entered_within_the_sites_day(
    made: datetime, entered: datetime, code: str, challenge: Challenge, alice: User, publish: Publish
) -> None:
    post = publish(alice, at=made)
    if code:
        with pytest.raises(Refused) as refused:
            challenges_services.enter_challenge(challenge=challenge, post=post, member=alice, at=entered)
        assert refused.value.code == code
    else:
        challenges_services.enter_challenge(challenge=challenge, post=post, member=alice, at=entered)
    assert ChallengeEntry.objects.count() == (0 if code else 1)


def test_a_day_has_twenty_three_hours_when_clocks_go_forward(settings: Settings) -> None:
    settings.TIME_ZONE = "America/New_York"
    opens, closes = day_bounds(date(2026, 3, 8))
    assert closes - opens == timedelta(hours=24)  # by the wall clock; 23 hours of time
    assert closes.astimezone(UTC) - opens.astimezone(UTC) == timedelta(hours=23)
    assert local_day(opens) == date(2026, 3, 8)
    assert local_day(closes.astimezone(UTC) - timedelta(microseconds=1)) == date(2026, 3, 8)


def test_three_entries_are_all_for_one_day_and_the_same_twice_is_one(
    challenge: Challenge, alice: User, publish: Publish
) -> None:
    at = moment(7, 12)
    posts = [publish(alice, prompt=str(n), at=at) for n in range(4)]
    for post in (*posts[:3], posts[0]):
        challenges_services.enter_challenge(challenge=challenge, post=post, member=alice, at=at)
    with pytest.raises(Refused) as refused:
        challenges_services.enter_challenge(challenge=challenge, post=posts[3], member=alice, at=at)
    assert refused.value.code == "too_many_entries"
    assert FeedEntry.objects.filter(challenge_id=challenge.pk).count() == 3


def test_nobody_enters_anothers_picture(challenge: Challenge, alice: User, mallory: User, publish: Publish) -> None:
    with pytest.raises(Refused) as refused:
        challenges_services.enter_challenge(
            challenge=challenge, post=publish(alice, at=moment(7, 12)), member=mallory, at=moment(7, 13)
        )
    assert refused.value.status == 404


def test_publishing_and_entering_are_one_act(challenge: Challenge, alice: User, publish: Publish) -> None:
    with pytest.raises(Refused):
        publish(alice, at=moment(9, 12), challenge=challenge)
    assert not FeedEntry.objects.exists()
    publish(alice, at=moment(7, 12), challenge=challenge)
    assert ChallengeEntry.objects.count() == 1


def test_every_day_gets_a_theme_once_and_none_repeats_soon(db: None) -> None:
    Challenge.objects.create(day=DAY, theme="Chosen by staff")
    assert schedule_challenges(today=DAY) == 30
    assert schedule_challenges(today=DAY) == 0
    themes = list(Challenge.objects.order_by("day").values_list("theme", flat=True))
    assert themes[0] == "Chosen by staff"
    assert len(themes) == len(set(themes)) == 31
    assert len(theme_bank()) >= 31


def test_a_command_schedules_the_days_ahead(db: None, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("schedule_challenges", days=3)
    assert "4 challenges added" in capsys.readouterr().out


def test_future_themes_stay_secret(db: None, as_user: As, api_as: ApiAs) -> None:
    today = local_day(datetime.now(UTC))
    schedule_challenges(today=today, days=2)
    tomorrow = today + timedelta(days=1)
    theme = Challenge.objects.get(day=tomorrow).theme
    assert as_user(None).get(f"/challenge/{tomorrow}/").status_code == 404
    assert theme not in as_user(None).get("/challenge/").content.decode()
    assert [row["day"] for row in api_as(None).get("/api/challenges/").json()["results"]] == [str(today)]
    for day in ("nonsense", "2026-13-45", str(tomorrow)):
        with pytest.raises(Refused):
            begun_on(day, datetime.now(UTC))


def test_entering_by_the_page_and_by_the_api(alice: User, publish: Publish, as_user: As, api_as: ApiAs) -> None:
    at = datetime.now(UTC)
    schedule_challenges(today=local_day(at), days=0)
    one, two = publish(alice, prompt="one", at=at), publish(alice, prompt="two", at=at)
    day = local_day(at).isoformat()
    assert one.public_id in as_user(alice).get("/challenge/").content.decode()
    assert as_user(alice).post(f"/challenge/{day}/enter/", {"post": one.public_id}).status_code == 302
    assert api_as(alice).post(f"/api/challenges/{day}/enter/", {"post": two.public_id}).status_code == 204
    entries = api_as(None).get(f"/api/challenges/{day}/entries/").json()["results"]
    assert {entry["id"] for entry in entries} == {one.public_id, two.public_id}
