"""A theme a day: the day is the site's, wherever the reader is."""

import io
import threading
from datetime import UTC, date, datetime, timedelta
from typing import Any

import PIL.Image
import pytest
from django.core.management import call_command
from django.db import connection
from pytest_django.fixtures import Settings

from accounts.models import Role, User
from feed.challenges import services as challenges_services
from feed.challenges.entries import read_entries
from feed.challenges.services import begun_on
from feed.challenges.share_cards import draw_card
from feed.challenges.themes.calendar import change_theme, schedule_challenges, swap_days, theme_bank
from feed.models import Challenge, ChallengeEntry, FeedEntry, ThemeIdea
from feed.posts.services import unpublish_post
from lib.days import day_bounds, local_day
from lib.errors import Refused
from moderation.models import Rule
from tests.conftest import ApiAs, As, MakeMember
from tests.feed.challenges.conftest import DAY, NOON, Decide, enter_all
from tests.feed.conftest import Publish, PublishMany
from tests.generation.fixtures import checkpoint_row


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


def test_an_entry_of_the_last_second_that_commits_late_counts_until_the_result_stands(
    challenge: Challenge, alice: User, bob: User, publish: Publish, decide: Decide
) -> None:
    last = moment(8, 4, 59, 59)
    post, other = publish(alice, at=last), publish(bob, prompt="too late", at=last)
    challenges_services.enter_challenge(challenge=challenge, post=post, member=alice, at=last)  # midnight has passed
    decide(challenge, [post])
    refusal("not_open", challenge=challenge, post=other, member=bob, at=last)
    assert list(ChallengeEntry.objects.values_list("post", "place")) == [(post.pk, 1)]


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


def refusal(code: str, **arguments: Any) -> None:
    with pytest.raises(Refused) as refused:
        challenges_services.enter_challenge(**arguments)
    assert refused.value.code == code


def test_a_picture_that_looks_the_same_enters_once_whoever_made_it(
    challenge: Challenge, alice: User, bob: User, publish: Publish
) -> None:
    first = publish(alice, prompt="a fox", seed=1, at=NOON, challenge=challenge, width=96, height=96)
    same = publish(bob, prompt="a fox", seed=1, at=NOON, width=96, height=96)
    refusal("near_duplicate", challenge=challenge, post=same, member=bob, at=NOON)
    smaller = publish(bob, prompt="a fox", seed=1, at=NOON, width=80, height=80)
    assert smaller.image.jpeg_sha256 != first.image.jpeg_sha256
    refusal("near_duplicate", challenge=challenge, post=smaller, member=bob, at=NOON)
    other = publish(bob, prompt="a fox", seed=2, at=NOON, width=96, height=96)
    challenges_services.enter_challenge(challenge=challenge, post=other, member=bob, at=NOON)
    assert ChallengeEntry.objects.count() == 2


@pytest.mark.parametrize(
    ("condition", "code"),
    [("checkpoint", "other_checkpoint"), ("aspect", "other_aspect"), ("is_remix", "no_remix")],
)
def test_what_a_theme_asks_for_is_checked(
    challenge: Challenge, alice: User, bob: User, publish: Publish, condition: str, code: str
) -> None:
    won = publish(bob, prompt="the winner", at=NOON - timedelta(days=2))
    decided = Challenge.objects.create(day=DAY - timedelta(days=2), theme="Before", closed_at=NOON, closing="time")
    ChallengeEntry.objects.create(challenge=decided, post=won, member=bob, created_at=NOON, place=1)
    wanted = {"checkpoint": checkpoint_row("wanted", "wanted"), "aspect": "portrait", "is_remix": True}
    setattr(challenge, condition, wanted[condition])
    challenge.save()
    plain = publish(alice, prompt="plain", at=NOON)
    refusal(code, challenge=challenge, post=plain, member=alice, at=NOON)
    fields: dict[str, dict[str, Any]] = {
        "checkpoint": {"checkpoint": wanted["checkpoint"]},
        "aspect": {"height": 96},
    }
    fields["is_remix"] = {"parent": won.image, "remix_kind": "inspired"}
    fitting = publish(alice, prompt="fitting", at=NOON, **fields[condition])
    challenges_services.enter_challenge(challenge=challenge, post=fitting, member=alice, at=NOON)
    assert ChallengeEntry.objects.filter(challenge=challenge).count() == 1


def test_an_entry_can_be_withdrawn_and_makes_place_for_another(
    challenge: Challenge, alice: User, mallory: User, publish: Publish
) -> None:
    posts = [publish(alice, prompt=str(n), at=NOON, challenge=challenge if n < 3 else None) for n in range(4)]
    challenges_services.withdraw_entry(challenge=challenge, post=posts[0], member=mallory)
    assert ChallengeEntry.objects.count() == 3
    for _ in range(2):
        challenges_services.withdraw_entry(challenge=challenge, post=posts[0], member=alice)
    challenges_services.enter_challenge(challenge=challenge, post=posts[3], member=alice, at=NOON)
    assert set(ChallengeEntry.objects.values_list("post", flat=True)) == {post.pk for post in posts[1:]}
    assert FeedEntry.objects.get(post=posts[0]).challenge_id is None


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 8), 23), (date(2026, 11, 1), 25), (date(2026, 3, 7), 24)])
def test_the_stages_follow_the_sites_days_whatever_their_length(
    settings: Settings, db: None, day: date, hours: int
) -> None:
    settings.TIME_ZONE = "America/New_York"
    challenge = Challenge(day=day, theme="A day")
    start, end = (moment.astimezone(UTC) for moment in day_bounds(day))
    second = timedelta(seconds=1)
    assert end - start == timedelta(hours=hours)
    stages = [(start - second, "planned"), (start, "open"), (end - second, "open"), (end, "voting")]
    assert [(at, challenge.stage(at)) for at, _stage in stages] == stages
    assert challenge.entries_end_at == end


def test_entries_are_shuffled_for_each_viewer_and_pages_neither_repeat_nor_skip(
    publish_many: PublishMany, make_member: MakeMember
) -> None:
    at = datetime.now(UTC)
    challenge = Challenge.objects.create(day=local_day(at), theme="Many")
    posts = publish_many(40, at=at)
    enter_all(challenge, posts)
    orders = []
    for viewer in (make_member("one"), make_member("two")):
        seen: list[int] = []
        cursor = ""
        while not seen or cursor:
            page = read_entries(challenge, viewer, at=at, size=7, cursor=cursor)
            seen += [post.pk for post in page.posts]
            cursor = page.next
        assert sorted(seen) == sorted(post.pk for post in posts)
        orders.append(seen)
    assert orders[0] != orders[1]
    assert orders[0] != sorted(orders[0])
    with pytest.raises(Refused):
        read_entries(challenge, viewer, at=at, size=7, cursor="forged")


def test_a_theme_is_changed_while_open_until_somebody_enters(
    challenge: Challenge, alice: User, publish: Publish
) -> None:
    change_theme(day=DAY, at=NOON, theme="Square things")
    publish(alice, at=NOON, challenge=challenge)
    with pytest.raises(Refused) as refused:
        change_theme(day=DAY, at=NOON, theme="Too late")
    assert refused.value.code == "has_entries"
    assert Challenge.objects.get().theme == "Square things"


def test_days_to_come_can_be_exchanged_and_those_that_began_cannot(challenge: Challenge) -> None:
    schedule_challenges(today=DAY, days=3)
    one, two = DAY + timedelta(days=1), DAY + timedelta(days=3)
    before = dict(Challenge.objects.values_list("day", "theme"))
    swap_days(first=one, second=two, at=NOON)
    after = dict(Challenge.objects.values_list("day", "theme"))
    assert (after[one], after[two]) == (before[two], before[one])
    for first, code in ((DAY, "begun"), (DAY + timedelta(days=40), "not_found")):
        with pytest.raises(Refused) as refused:
            swap_days(first=first, second=two, at=NOON)
        assert refused.value.code == code or refused.value.status == 404


@pytest.mark.django_db(transaction=True)
def test_two_schedulers_at_once_plan_each_day_once(transactional_db: None) -> None:
    start = threading.Barrier(2)

    def schedule() -> None:
        start.wait()
        schedule_challenges(today=DAY)
        connection.close()

    threads = [threading.Thread(target=schedule) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Challenge.objects.count() == 31


def test_a_theme_is_proposed_screened_wanted_and_taken_into_the_calendar(
    alice: User, bob: User, make_member: MakeMember, as_user: As, api_as: ApiAs
) -> None:
    staff = make_member("stella", Role.STAFF)
    assert as_user(alice).post("/challenge/ideas/", {"theme": "Tea with a dragon", "hint": ""}).status_code == 302
    idea = ThemeIdea.objects.get()
    api_as(bob).put(f"/api/theme-ideas/{idea.public_id}/vote/")
    as_user(bob).post(f"/challenge/ideas/{idea.public_id}/vote/")
    assert api_as(None).get("/api/theme-ideas/").json()["results"][0]["votes"] == 2
    assert as_user(alice).post("/challenge/ideas/", {"theme": ""}).status_code == 422
    Rule.objects.create(
        slug="no", pattern="forbiddenword", effect="block", category="other", reason="Choose other words."
    )
    assert as_user(alice).post("/challenge/ideas/", {"theme": "a forbiddenword"}).status_code == 422
    decide = f"/challenge/ideas/{idea.public_id}/decide/"
    assert as_user(alice).post(decide, {"accept": "1"}).status_code == 404
    assert as_user(staff).post(decide, {"accept": "1"}).status_code == 302
    assert "was chosen" in as_user(alice).get("/notifications/").content.decode()
    schedule_challenges(today=local_day(datetime.now(UTC)))
    assert Challenge.objects.filter(theme="Tea with a dragon", idea=idea).count() == 1
    assert "Calendar" in as_user(staff).get("/challenge/calendar/").content.decode()
    assert as_user(alice).get("/challenge/calendar/").status_code == 404


def test_a_share_card_is_drawn_and_served(
    challenge: Challenge, alice: User, bob: User, publish: Publish, decide: Decide, as_user: As
) -> None:
    assert as_user(None).get(f"/challenge/{DAY}/card.png").status_code == 404
    decide(challenge, [publish(alice, prompt="one", at=NOON), publish(bob, prompt="two", at=NOON)])
    draw_card(challenge_id=challenge.pk, at=datetime.now(UTC))
    draw_card(challenge_id=challenge.pk, at=datetime.now(UTC))
    response = as_user(None).get(f"/challenge/{DAY}/card.png")
    with PIL.Image.open(io.BytesIO(response.content)) as card:
        assert (card.format, card.size) == ("PNG", (1200, 630))
    assert f"/challenge/{DAY}/card.png" in as_user(None).get(f"/challenge/{DAY}/").content.decode()


def test_a_card_is_gone_with_a_picture_on_it(
    challenge: Challenge, alice: User, bob: User, publish: Publish, decide: Decide, as_user: As
) -> None:
    posts = [publish(alice, prompt="one", at=NOON), publish(bob, prompt="two", at=NOON)]
    decide(challenge, posts)
    draw_card(challenge_id=challenge.pk, at=datetime.now(UTC))
    before = as_user(None).get(f"/challenge/{DAY}/card.png").content
    unpublish_post(post=posts[0], author=alice)
    assert as_user(None).get(f"/challenge/{DAY}/card.png").status_code == 404
    draw_card(challenge_id=challenge.pk, at=datetime.now(UTC))
    assert as_user(None).get(f"/challenge/{DAY}/card.png").content != before
