"""Drawing a question, and answering it: who is asked, what is written, which answers count."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts.models import User
from generation.models import Image, ImageState
from lib.content_levels import ContentLevel
from moderation.models import Restriction
from moderation.restrictions.services import restrict_member
from ratings.asking import services
from ratings.asking.tokens import token_for
from ratings.models import Ask, DrawCount, Policy, Question
from tests.conftest import MakeMember
from tests.generation.fixtures import MakeImage
from tests.ratings.answers import refusal
from tests.ratings.conftest import MakePolicy, Publish

AskAbout = Callable[[Image, User], Ask]


# The bank and the policies


def test_the_bank_holds_questions_about_a_picture_a_pair_its_aspects_places_and_an_order(db: None) -> None:
    scales = Question.objects.active().on_scale()
    assert {question.slug for question in scales} == {
        "lighting", "subject", "background", "colour", "prompt-match", "artefacts", "overall",
    }  # fmt: skip
    assert all(len(set(question.labels)) == 5 for question in scales)
    by_aspect = Question.objects.active().by_aspect()
    assert {question.aspect for question in by_aspect} == {each.slug for each in scales} - {"overall"}
    assert Question.objects.filter(form=Question.Form.PAIR).difference(by_aspect).get().slug == "preference"
    assert {question.aspect for question in Question.objects.active().on_regions()} == {"artefacts", "prompt-match"}
    assert Question.objects.get(form=Question.Form.RANKING).slug == "ranking"


def test_a_site_asks_after_one_generation_in_twenty_and_a_demo_after_every_other(db: None, settings: Any) -> None:
    on_compare = {"aspect": 0.2, "marks": 0.1, "ranking": 0.05}
    assert Policy.objects.current().parameters["p_ask"] == {"result": 0.05, "post": 0.05, **on_compare}
    settings.ASK_POLICY_VERSION = 8
    assert Policy.objects.current().parameters["p_ask"] == {"result": 0.5, "post": 0.5, **on_compare}


# Drawing


def test_an_ask_is_written_before_it_is_shown_with_the_probability_of_every_choice(
    always: Policy, alice: User, bob: User, publish: Publish
) -> None:
    image = publish(alice)
    at = timezone.now()
    ask = services.draw_ask(surface="post", image=image, rater=bob, at=at, rng=random.Random(1))
    stored = Ask.objects.get()
    assert ask == stored
    assert (stored.outcome, stored.shown_at, stored.rater_is_author) == ("open", None, False)
    assert stored.p_ask == 1.0
    assert stored.p_question == pytest.approx(0.2 if stored.question.slug == "overall" else 0.8 / 6)
    assert stored.propensity == pytest.approx(stored.p_question)
    assert (stored.policy, stored.stratum) == (always, "new/first")
    assert (stored.created_at, stored.expires_at) == (at, at + timedelta(hours=1))


def test_a_draw_that_asks_nothing_is_counted_and_not_stored(
    make_policy: MakePolicy, alice: User, make_member: MakeMember, publish: Publish
) -> None:
    policy = make_policy(p_ask={"post": 0.0})
    image = publish(alice)
    for name in ("carol", "dave"):
        assert services.draw_ask(surface="post", image=image, rater=make_member(name)) is None
    count = DrawCount.objects.get()
    assert (count.policy, count.surface, count.stratum) == (policy, "post", "new/first")
    assert (count.p_ask, count.reason, count.draws) == (0.0, "", 2)
    assert not Ask.objects.exists()


def test_a_limit_is_tallied_under_its_name_with_probability_0(
    make_policy: MakePolicy, alice: User, bob: User, publish: Publish
) -> None:
    make_policy(asks_per_day=1)
    first, second = publish(alice, seed=1), publish(alice, seed=2)
    at = timezone.now()
    assert services.draw_ask(surface="post", image=first, rater=bob, at=at)
    assert services.draw_ask(surface="post", image=second, rater=bob, at=at + timedelta(hours=23)) is None
    count = DrawCount.objects.get()
    assert (count.p_ask, count.reason) == (0.0, "day")


def test_a_rolling_day_later_the_same_member_may_be_asked_again(
    make_policy: MakePolicy, alice: User, bob: User, publish: Publish
) -> None:
    make_policy(asks_per_day=1)
    first, second = publish(alice, seed=1), publish(alice, seed=2)
    at = timezone.now()
    assert services.draw_ask(surface="post", image=first, rater=bob, at=at)
    assert services.draw_ask(surface="post", image=second, rater=bob, at=at + timedelta(hours=24))


def test_a_page_that_is_loaded_again_shows_the_same_ask_and_draws_nothing_anew(
    ask_about: AskAbout, alice: User, bob: User, publish: Publish
) -> None:
    image = publish(alice)
    ask = ask_about(image, bob)
    assert ask_about(image, bob) == ask
    services.skip_ask(token=token_for(ask), rater=bob)
    assert services.draw_ask(surface="post", image=image, rater=bob) is None
    assert Ask.objects.count() == 1


def test_a_draw_that_said_no_says_no_again(make_policy: MakePolicy, alice: User, bob: User, publish: Publish) -> None:
    make_policy(p_ask={"post": 0.0})
    image = publish(alice)
    assert services.draw_ask(surface="post", image=image, rater=bob) is None
    make_policy()
    assert services.draw_ask(surface="post", image=image, rater=bob) is None
    assert DrawCount.objects.get().draws == 1


@pytest.mark.usefixtures("always")
def test_the_result_page_asks_the_maker_alone_and_the_post_page_everybody_else(
    alice: User, bob: User, publish: Publish
) -> None:
    image = publish(alice)
    assert services.draw_ask(surface="result", image=image, rater=bob) is None
    assert services.draw_ask(surface="post", image=image, rater=alice) is None
    assert services.draw_ask(surface="compare", image=image, rater=bob) is None
    assert services.draw_ask(surface="post", image=image, rater=bob)
    by_maker = services.draw_ask(surface="result", image=image, rater=alice)
    assert by_maker
    assert by_maker.rater_is_author


@pytest.mark.usefixtures("always")
def test_nobody_is_asked_about_a_picture_they_may_not_see(
    alice: User, bob: User, mod: User, make_image: MakeImage, publish: Publish
) -> None:
    unpublished, held = make_image(alice, seed=1), make_image(alice, seed=2, state=ImageState.HELD)
    mature = publish(alice, seed=3, content_level=ContentLevel.MATURE)
    for image in (unpublished, held, mature):
        assert services.draw_ask(surface="post", image=image, rater=bob) is None
    # a moderator may look at it, but is no member of its audience
    assert services.draw_ask(surface="post", image=unpublished, rater=mod) is None
    assert services.draw_ask(surface="result", image=held, rater=alice) is None
    assert services.draw_ask(surface="result", image=unpublished, rater=alice)


@pytest.mark.usefixtures("always")
def test_a_member_who_may_not_vote_is_not_asked(alice: User, bob: User, publish: Publish) -> None:
    restrict_member(user=bob, kind=Restriction.Kind.MUTED, until=None, decision=None)
    assert services.draw_ask(surface="post", image=publish(alice), rater=bob) is None


def test_whether_a_hidden_prompt_was_met_is_asked_of_its_author_alone(
    always: Policy, alice: User, make_member: MakeMember, publish: Publish
) -> None:
    image = publish(alice, is_prompt_hidden=True)
    rng = random.Random(3)
    asked = [services.draw_ask(surface="post", image=image, rater=make_member(f"rater{n}"), rng=rng) for n in range(40)]
    slugs = {ask.question.slug for ask in asked if ask}
    assert "prompt-match" not in slugs
    assert len(slugs) == 6


def test_the_ledger_takes_no_ask_of_probability_0_or_without_a_subject(
    ask_about: AskAbout, alice: User, bob: User, publish: Publish
) -> None:
    ask = ask_about(publish(alice), bob)
    for wrong in ({"p_ask": 0.0}, {"image": None}, {"image_low": ask.image}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Ask.objects.filter(pk=ask.pk).update(**wrong)


# Skipping, seeing, expiring


def test_skipping_and_dismissing_close_without_an_answer_and_stay(
    ask_about: AskAbout, alice: User, bob: User, publish: Publish
) -> None:
    skipped, dismissed = ask_about(publish(alice, seed=1), bob), ask_about(publish(alice, seed=2), bob)
    assert services.skip_ask(token=token_for(skipped), rater=bob).outcome == "skipped"
    assert services.dismiss_ask(token=token_for(dismissed), rater=bob).outcome == "dismissed"
    assert services.dismiss_ask(token=token_for(skipped), rater=bob).outcome == "skipped"
    assert refusal(services.answer_ask, token=token_for(skipped), rater=bob, value=4).status == 409


def test_two_dismissals_in_a_row_make_the_next_draw_impossible_for_a_day(
    ask_about: AskAbout, alice: User, bob: User, publish: Publish
) -> None:
    for seed in (1, 2):
        services.dismiss_ask(token=token_for(ask_about(publish(alice, seed=seed), bob)), rater=bob)
    assert services.draw_ask(surface="post", image=publish(alice, seed=3), rater=bob) is None
    assert DrawCount.objects.get().reason == "pause"
    later = timezone.now() + timedelta(hours=24)
    assert services.draw_ask(surface="post", image=publish(alice, seed=4), rater=bob, at=later)


def test_what_ran_out_is_expired_if_it_was_seen_and_never_shown_if_not(
    ask_about: AskAbout, alice: User, bob: User, publish: Publish
) -> None:
    seen, unseen = ask_about(publish(alice, seed=1), bob), ask_about(publish(alice, seed=2), bob)
    services.mark_shown(token=token_for(seen), rater=bob)
    assert services.expire_asks(at=seen.expires_at - timedelta(seconds=1)) == 0
    assert services.expire_asks(at=unseen.expires_at) == 2
    assert services.expire_asks(at=unseen.expires_at) == 0
    outcomes = dict(Ask.objects.values_list("pk", "outcome"))
    assert outcomes == {seen.pk: "expired", unseen.pk: "not_rendered"}


def test_a_page_that_goes_before_its_question_was_seen_says_so_and_one_that_was_seen_stays_open(
    ask_about: AskAbout, alice: User, bob: User, publish: Publish
) -> None:
    seen, unseen = ask_about(publish(alice, seed=1), bob), ask_about(publish(alice, seed=2), bob)
    first = timezone.now()
    services.mark_shown(token=token_for(seen), rater=bob, at=first)
    services.mark_shown(token=token_for(seen), rater=bob, at=first + timedelta(minutes=1))
    for ask in (seen, unseen):
        services.mark_not_rendered(token=token_for(ask), rater=bob)
        ask.refresh_from_db()
    assert (seen.outcome, seen.shown_at) == ("open", first)
    assert unseen.outcome == "not_rendered"


# At once


@pytest.mark.django_db(transaction=True)
def test_draws_of_one_member_at_once_never_pass_a_limit(
    make_policy: MakePolicy, alice: User, bob: User, publish: Publish
) -> None:
    make_policy(asks_per_day=1)
    images = [publish(alice, seed=seed) for seed in range(8)]

    def draw(image: Image) -> bool:
        try:
            return services.draw_ask(surface="post", image=image, rater=bob) is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(draw, images)) == 1
    assert Ask.objects.count() == 1
    assert sum(DrawCount.objects.values_list("draws", flat=True)) == 7
