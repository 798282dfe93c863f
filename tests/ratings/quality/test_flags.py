"""Which answers are doubted and why; that nothing is deleted for it, and that a member can object."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from feed.notifications.queries import read_notices
from generation.models import Image
from lib.errors import Refused
from moderation.models import Restriction
from moderation.restrictions.services import restrict_member
from ratings import tasks
from ratings.models import Ask, Comparison, Flag, QualityAppeal, QualityFlag, RaterStanding, Rating
from ratings.quality import appeals as appeal_services
from ratings.quality import flags as quality_flags
from ratings.quality import post_aspects
from ratings.quality import rules as quality_rules
from ratings.quality.models import unflagged_ratings
from ratings.quality.rules import Answer
from tests.conftest import As, MakeMember
from tests.ratings.answers import rate, vote
from tests.ratings.conftest import Publish

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SITE = {False: 4000.0, True: 6000.0}


def scale(ask: int, place: int = 3, dwell_ms: int | None = 4000) -> Answer:
    return Answer(ask=ask, at=NOW + timedelta(minutes=ask), place=place, dwell_ms=dwell_ms)


def pair(ask: int, place: str = "left", preferred: int | None = 1, **fields: object) -> Answer:
    made = Answer(NOW.year, NOW + timedelta(minutes=ask), place, 6000, pair=(ask, ask + 1000), preferred=preferred)
    return replace(made, ask=ask, **fields)  # type: ignore[arg-type]


def mixed(n: int, **fields: int) -> list[Answer]:
    return [scale(ask, place=1 + ask % 5, **fields) for ask in range(n)]


def flags(given: list[Answer], restricted_at: list[datetime] | None = None) -> dict[int, set[Flag]]:
    return quality_rules.flags_of(given, site_medians=SITE, restricted_at=restricted_at or [])


def test_careful_answers_have_no_flags() -> None:
    assert flags([*mixed(30), *(pair(n, "left" if n % 2 else "right", preferred=n % 2) for n in range(30))]) == {}


@pytest.mark.parametrize(("dwell", "is_fast"), [(999, True), (1000, False), (None, False), (0, False)])
def test_an_answer_in_less_than_a_quarter_of_the_usual_time_is_too_fast(dwell: int | None, is_fast: bool) -> None:
    assert (Flag.TOO_FAST in flags([scale(1, dwell_ms=dwell)]).get(1, set())) == is_fast


def test_a_slow_readers_hurried_answer_is_too_fast_where_a_quick_readers_is_not() -> None:
    hurried = scale(50, dwell_ms=1900)
    assert flags([*mixed(20, dwell_ms=9000), hurried]) == {50: {Flag.TOO_FAST}}
    assert flags([*mixed(20, dwell_ms=2500), hurried]) == {}


def test_ten_answers_on_one_place_of_the_scale_are_a_straight_line_and_nine_are_not() -> None:
    row = [scale(n, place=2) for n in range(10)]
    assert flags(row) == {n: {Flag.STRAIGHT_LINE} for n in range(10)}
    assert flags(row[:9]) == {}
    assert flags([*row[:5], scale(99, place=4), *row[5:]]) == {}


def test_one_failed_check_marks_itself_and_failing_most_of_them_marks_every_pair() -> None:
    good = [pair(n, "left" if n % 2 else "right") for n in range(8)]
    failed = [pair(20, "left", preferred=5, spoiled=5), pair(21, "tie", preferred=None, spoiled=6)]
    passed = [pair(n, "right", preferred=1, spoiled=7) for n in (30, 31, 32)]
    undecided = pair(40, "both_bad", preferred=None, spoiled=8)
    assert flags([*good, failed[0]]) == {20: {Flag.FAILED_GOLD}}
    assert set(flags([*good, *failed, *passed])) == {20, 21}
    assert all(Flag.FAILED_GOLD in flags([*good, *failed, undecided, scale(60)])[each.ask] for each in good)
    assert 60 not in flags([*good, *failed, scale(60)])
    assert flags([undecided]) == {}


def test_who_contradicts_themselves_as_chance_would_loses_every_pair_and_others_lose_none() -> None:
    firsts = [pair(n, "left" if n % 2 else "right", preferred=1, pair=(n, 1000 + n)) for n in range(8)]

    def repeats(contradicted: int) -> list[Answer]:
        return [
            replace(one, ask=100 + n, repeat_no=1, preferred=2 if n < contradicted else 1)
            for n, one in enumerate(firsts)
        ]

    assert flags([*firsts, *repeats(3)]) == {}  # of eight
    every = {each.ask for each in [*firsts, *repeats(4)]}
    assert flags([*firsts, *repeats(4), scale(60)]) == {ask: {Flag.CONTRADICTS} for ask in every}
    assert flags([*firsts[:3], *repeats(3)[:3]]) == {}  # three of three may be chance
    ties = [replace(each, preferred=None, place="tie") for each in repeats(8)]
    assert flags([*firsts, *ties]) == {}


def test_answers_past_the_days_cap_are_marked_from_there_on() -> None:
    many = [replace(scale(n, place=n % 5), at=NOW + timedelta(seconds=n)) for n in range(quality_rules.DAILY_CAP + 2)]
    assert sorted(flags(many)) == [quality_rules.DAILY_CAP, quality_rules.DAILY_CAP + 1]
    assert flags([*many[:-2], replace(many[-1], at=NOW + timedelta(days=1, seconds=5))]) == {}


def test_answers_of_the_week_before_a_restriction_are_marked() -> None:
    at = NOW + timedelta(days=7)
    assert flags([scale(0), scale(60 * 24 * 8)], [at]) == {0: {Flag.LIMITED}}
    assert flags([scale(0)], [at + timedelta(seconds=1)]) == {}


# On the site


def test_a_browser_cannot_say_that_somebody_looked_longer_than_the_server_waited(
    alice: User, bob: User, publish: Publish
) -> None:
    claimed, silent, slow = (rate(bob, publish(alice), value).ask for value in (1, 3, 5))
    for ask, seconds, dwell in ((claimed, 0.2, 60_000), (silent, 0.2, None), (slow, 60, 60_000)):
        Ask.objects.filter(pk=ask.pk).update(
            closed_at=ask.created_at + timedelta(seconds=seconds), dwell_ms=dwell, shown_at=ask.created_at
        )
    quality_flags.evaluate_raters(raters=[bob.pk], at=timezone.now() + timedelta(minutes=5))
    flagged = QualityFlag.objects.in_force().filter(flag="too_fast").values_list("ask", flat=True)
    assert set(flagged) == {claimed.pk, silent.pk}


@pytest.fixture
def hasty(alice: User, bob: User, publish: Publish) -> Image:
    """A picture that bob rated in no time."""
    image = publish(alice)
    rate(bob, image, 1)
    drawn = timezone.now() - timedelta(seconds=10)
    Ask.objects.update(dwell_ms=200, created_at=drawn, closed_at=timezone.now())
    return image


def evaluate(*raters: User) -> list[int]:
    return quality_flags.evaluate_raters(raters=[rater.pk for rater in raters], at=timezone.now())


def test_a_flag_deletes_nothing_is_raised_once_and_lifted_when_it_no_longer_holds(hasty: Image, bob: User) -> None:
    assert evaluate(bob) == [hasty.pk]
    assert evaluate(bob) == []
    flag = QualityFlag.objects.get()
    assert (flag.flag, flag.version, flag.lifted_at) == ("too_fast", quality_rules.VERSION, None)
    assert Rating.objects.count() == 1
    assert not unflagged_ratings(Rating.objects.all()).exists()
    Ask.objects.update(dwell_ms=5000)
    assert evaluate(bob) == [hasty.pk]
    flag.refresh_from_db()
    assert flag.lifted_at
    assert unflagged_ratings(Rating.objects.all()).exists()
    Ask.objects.update(dwell_ms=100)
    evaluate(bob)
    assert QualityFlag.objects.in_force().count() == QualityFlag.objects.count() == 1
    standing = RaterStanding.objects.get()
    assert (standing.rater, standing.answers, standing.flagged, standing.median_dwell_ms) == (bob, 1, 1, 100)


def test_a_doubted_rating_is_left_out_of_what_posts_show(hasty: Image, bob: User, mallory: User) -> None:
    rate(mallory, hasty, 5)
    drawn = timezone.now() - timedelta(seconds=10)
    Ask.objects.filter(rater=mallory).update(dwell_ms=5000, created_at=drawn, closed_at=timezone.now())
    post_aspects.refresh_aspects(images=[hasty.pk])
    assert hasty.post.aspects.get().n == 2
    post_aspects.refresh_aspects(images=evaluate(bob, mallory))
    assert hasty.post.aspects.get().n == 1


def test_flags_of_pairs_stand_where_exports_read_them_and_a_check_shows_who_looks(
    alice: User, bob: User, publish: Publish
) -> None:
    one, two = publish(alice, seed=1), publish(alice, seed=2)
    vote(bob, one, two, one, is_gold=True, is_high_spoiled=False)
    evaluate(bob)
    assert Comparison.objects.get().quality_flags == ["failed_gold"]
    assert not Comparison.objects.unflagged().exists()
    standing = RaterStanding.objects.get()
    assert (standing.gold_checks, standing.gold_failed) == (1, 1)


def test_the_task_looks_at_whoever_answered_since_and_later_at_nobody_twice(hasty: Image, bob: User) -> None:
    raters, rating, comparison = quality_flags.raters_since(rating=0, comparison=0)
    assert raters == [bob.pk]
    later = timezone.now() + timedelta(hours=1)
    assert quality_flags.raters_since(rating=rating, comparison=comparison, at=later)[0] == []
    tasks.evaluate_new_answers()
    assert quality_flags.raters_active(at=timezone.now()) == [bob.pk]


def test_an_answer_that_was_numbered_earlier_and_stored_later_is_looked_at_too(
    hasty: Image, bob: User, mallory: User
) -> None:
    seen = rate(mallory, hasty, 2)  # the newest when the task looked; bob's transaction, numbered before, ended later
    assert quality_flags.raters_since(rating=seen.pk, comparison=0)[0] == [bob.pk, mallory.pk]


def test_a_restricted_members_last_answers_are_marked(hasty: Image, bob: User) -> None:
    Ask.objects.update(dwell_ms=5000)
    restrict_member(user=bob, kind=Restriction.Kind.MUTED, until=None, decision=None)
    evaluate(bob)
    assert QualityFlag.objects.get().flag == "account_limited"


# Appeals


def test_a_granted_appeal_makes_what_was_answered_before_it_count_for_good(
    hasty: Image, bob: User, rita: User, as_user: As
) -> None:
    evaluate(bob)
    client = as_user(bob)
    page = client.get(reverse("ratings:standing"))
    assert "Faster than the question can be read" in page.content.decode()
    assert client.post(reverse("ratings:standing"), {"text": "  "}).status_code == 400
    assert client.post(reverse("ratings:standing"), {"text": "I know the picture."}).status_code == 302
    again = client.post(reverse("ratings:standing"), {"text": "And again."})
    assert (again.status_code, "already have an open appeal" in again.content.decode()) == (409, True)
    team = as_user(rita)
    assert "I know the picture." in team.get(reverse("ratings:raters")).content.decode()
    appeal = QualityAppeal.objects.get()
    answer = reverse("ratings:quality-appeal-answer", args=[appeal.public_id])
    bad = team.post(answer, {"answer": "Fine.", "decision": ""})
    assert (bad.status_code, "Fine." in bad.content.decode()) == (400, True)
    assert team.post(answer, {"answer": "You do.", "decision": "granted"}).status_code == 302
    assert not QualityFlag.objects.in_force().exists()
    (notice,) = read_notices(bob, at=timezone.now()).notices
    assert (notice.kind, notice.url) == ("quality.appeal", reverse("ratings:standing"))
    assert "The team answered your appeal" in client.get(reverse("feed:notifications")).content.decode()
    evaluate(bob)
    assert not QualityFlag.objects.in_force().exists()
    text = client.get(reverse("ratings:standing")).content.decode()
    assert "You do." in text
    assert "All your answers count" in text
    assert team.post(answer, {"answer": "No.", "decision": "denied"}).status_code == 409


def test_compare_and_the_settings_lead_to_ones_own_answers_with_and_without_flags(
    hasty: Image, bob: User, as_user: As
) -> None:
    client, link = as_user(bob), f'href="{reverse("ratings:standing")}"'
    for has_flags in (False, True):
        if has_flags:
            evaluate(bob)
        for name in ("ratings:compare", "accounts:settings"):
            assert link in client.get(reverse(name)).content.decode(), (name, has_flags)


def test_an_appeal_needs_a_flag_and_somebody_elses_answer(
    hasty: Image, alice: User, bob: User, rita: User, make_member: MakeMember
) -> None:
    def refusal(call: Callable[..., object], **arguments: object) -> tuple[str, int]:
        with pytest.raises(Refused) as caught:
            call(**arguments)
        return caught.value.code, caught.value.status

    assert refusal(appeal_services.appeal_flags, rater=alice, text="Why?") == ("nothing_flagged", 409)
    evaluate(bob)
    appeal = appeal_services.appeal_flags(rater=bob, text="Why?")
    answer = {"appeal": appeal, "is_granted": False, "answer": "So."}
    assert refusal(appeal_services.answer_quality_appeal, member=alice, **answer) == ("not_found", 404)
    QualityAppeal.objects.update(rater=rita)
    appeal.refresh_from_db()
    assert refusal(appeal_services.answer_quality_appeal, member=rita, **answer) == ("own_appeal", 403)


def test_raters_are_the_teams_business_alone(hasty: Image, bob: User, rita: User, as_user: As) -> None:
    evaluate(bob)
    paths = [reverse("ratings:raters"), reverse("ratings:rater", args=[bob.public_id])]
    assert [as_user(bob).get(path).status_code for path in paths] == [404, 404]
    assert [as_user(rita).get(path).status_code for path in paths] == [200, 200]
    assert as_user(None).get(reverse("ratings:standing")).status_code == 302
