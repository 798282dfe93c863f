"""Drawing a question, and answering it: who is asked, what is written, which answers count."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.core import signing
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts.errors import Refused
from accounts.levels import ContentLevel
from accounts.models import User
from feed.services import unpublish_post
from generation.models import Image, ImageState
from moderation.models import Restriction
from moderation.services import lift_restriction, restrict_member
from ratings import ledger, services
from ratings.models import Ask, DrawTally, Policy, Question, Rating
from ratings.pools import askable_images
from ratings.tokens import SALT, token_for
from tests.conftest import MakeMember
from tests.generation.fixtures import MakeImage
from tests.ratings.conftest import Hang, MakePolicy

AskAbout = Callable[[Image, User], Ask]


def refusal(call: Callable[..., object], **arguments: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        call(**arguments)
    assert caught.value.message
    return caught.value


# The bank and the policies


def test_the_bank_holds_seven_questions_of_five_labelled_steps_and_one_about_pairs(db: None) -> None:
    scales = Question.objects.active().on_scale()
    assert {question.slug for question in scales} == {
        "lighting", "subject", "background", "colour", "prompt-match", "artefacts", "overall",
    }  # fmt: skip
    assert all(len(set(question.labels)) == 5 for question in scales)
    assert Question.objects.get(form=Question.Form.PAIR).slug == "preference"


def test_a_site_asks_after_one_generation_in_twenty_and_a_demo_after_every_other(db: None, settings: Any) -> None:
    assert Policy.objects.current().parameters["p_ask"] == {"result": 0.05, "post": 0.05}
    settings.ASK_POLICY_VERSION = 4
    assert Policy.objects.current().parameters["p_ask"] == {"result": 0.5, "post": 0.5}


# Drawing


def test_an_ask_is_written_before_it_is_shown_with_the_probability_of_every_choice(
    always: Policy, alice: User, bob: User, hang: Hang
) -> None:
    image = hang(alice)
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
    make_policy: MakePolicy, alice: User, make_member: MakeMember, hang: Hang
) -> None:
    policy = make_policy(p_ask={"post": 0.0})
    image = hang(alice)
    for name in ("carol", "dave"):
        assert services.draw_ask(surface="post", image=image, rater=make_member(name)) is None
    tally = DrawTally.objects.get()
    assert (tally.policy, tally.surface, tally.stratum) == (policy, "post", "new/first")
    assert (tally.p_ask, tally.reason, tally.draws) == (0.0, "", 2)
    assert not Ask.objects.exists()


def test_a_limit_is_tallied_under_its_name_with_probability_0(
    make_policy: MakePolicy, alice: User, bob: User, hang: Hang
) -> None:
    make_policy(asks_per_day=1)
    first, second = hang(alice, seed=1), hang(alice, seed=2)
    at = timezone.now()
    assert services.draw_ask(surface="post", image=first, rater=bob, at=at)
    assert services.draw_ask(surface="post", image=second, rater=bob, at=at + timedelta(hours=23)) is None
    tally = DrawTally.objects.get()
    assert (tally.p_ask, tally.reason) == (0.0, "day")


def test_a_rolling_day_later_the_same_member_may_be_asked_again(
    make_policy: MakePolicy, alice: User, bob: User, hang: Hang
) -> None:
    make_policy(asks_per_day=1)
    first, second = hang(alice, seed=1), hang(alice, seed=2)
    at = timezone.now()
    assert services.draw_ask(surface="post", image=first, rater=bob, at=at)
    assert services.draw_ask(surface="post", image=second, rater=bob, at=at + timedelta(hours=24))


def test_a_page_that_is_loaded_again_shows_the_same_ask_and_draws_nothing_anew(
    ask_about: AskAbout, alice: User, bob: User, hang: Hang
) -> None:
    image = hang(alice)
    ask = ask_about(image, bob)
    assert ask_about(image, bob) == ask
    services.skip_ask(token=token_for(ask), rater=bob)
    assert services.draw_ask(surface="post", image=image, rater=bob) is None
    assert Ask.objects.count() == 1


def test_a_draw_that_said_no_says_no_again(make_policy: MakePolicy, alice: User, bob: User, hang: Hang) -> None:
    make_policy(p_ask={"post": 0.0})
    image = hang(alice)
    assert services.draw_ask(surface="post", image=image, rater=bob) is None
    make_policy()
    assert services.draw_ask(surface="post", image=image, rater=bob) is None
    assert DrawTally.objects.get().draws == 1


@pytest.mark.usefixtures("always")
def test_the_result_page_asks_the_maker_alone_and_the_post_page_everybody_else(
    alice: User, bob: User, hang: Hang
) -> None:
    image = hang(alice)
    assert services.draw_ask(surface="result", image=image, rater=bob) is None
    assert services.draw_ask(surface="post", image=image, rater=alice) is None
    assert services.draw_ask(surface="compare", image=image, rater=bob) is None
    assert services.draw_ask(surface="post", image=image, rater=bob)
    by_maker = services.draw_ask(surface="result", image=image, rater=alice)
    assert by_maker
    assert by_maker.rater_is_author


@pytest.mark.usefixtures("always")
def test_nobody_is_asked_about_a_picture_they_may_not_see(
    alice: User, bob: User, mod: User, make_image: MakeImage, hang: Hang
) -> None:
    unpublished, held = make_image(alice, seed=1), make_image(alice, seed=2, state=ImageState.HELD)
    mature = hang(alice, seed=3, content_level=ContentLevel.MATURE)
    for image in (unpublished, held, mature):
        assert services.draw_ask(surface="post", image=image, rater=bob) is None
    # a moderator may look at it, but is no member of its audience
    assert services.draw_ask(surface="post", image=unpublished, rater=mod) is None
    assert services.draw_ask(surface="result", image=held, rater=alice) is None
    assert services.draw_ask(surface="result", image=unpublished, rater=alice)


@pytest.mark.usefixtures("always")
def test_a_member_who_may_not_vote_is_not_asked(alice: User, bob: User, hang: Hang) -> None:
    restrict_member(user=bob, kind=Restriction.Kind.MUTED, until=None, decision=None)
    assert services.draw_ask(surface="post", image=hang(alice), rater=bob) is None


def test_whether_a_hidden_prompt_was_met_is_asked_of_its_author_alone(
    always: Policy, alice: User, make_member: MakeMember, hang: Hang
) -> None:
    image = hang(alice, is_prompt_hidden=True)
    rng = random.Random(3)
    asked = [services.draw_ask(surface="post", image=image, rater=make_member(f"rater{n}"), rng=rng) for n in range(40)]
    slugs = {ask.question.slug for ask in asked if ask}
    assert "prompt-match" not in slugs
    assert len(slugs) == 6


def test_the_ledger_takes_no_ask_of_probability_0_or_without_a_subject(
    ask_about: AskAbout, alice: User, bob: User, hang: Hang
) -> None:
    ask = ask_about(hang(alice), bob)
    for wrong in ({"p_ask": 0.0}, {"image": None}, {"image_low": ask.image}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Ask.objects.filter(pk=ask.pk).update(**wrong)


# Answering


def test_an_answer_is_one_rating_and_closes_the_ask(ask_about: AskAbout, alice: User, bob: User, hang: Hang) -> None:
    ask = ask_about(hang(alice), bob)
    at = timezone.now() + timedelta(seconds=9)
    rating = services.answer_ask(token=token_for(ask), rater=bob, value=4, dwell_ms=2400, at=at)
    ask.refresh_from_db()
    assert (rating.value, rating.image, rating.question, rating.created_at) == (4, ask.image, ask.question, at)
    assert (ask.outcome, ask.closed_at, ask.dwell_ms, ask.shown_at) == ("answered", at, 2400, ask.created_at)


@pytest.mark.parametrize("is_reversed", [False, True])
def test_the_best_step_is_stored_as_5_whichever_way_the_scale_was_shown(
    ask_about: AskAbout, alice: User, bob: User, hang: Hang, is_reversed: bool
) -> None:
    ask = ask_about(hang(alice), bob)
    Ask.objects.filter(pk=ask.pk).update(is_scale_reversed=is_reversed)
    ask.refresh_from_db()
    best = ask.question.labels[-1]
    shown = [label for _, label in ask.options]
    assert shown == (ask.question.labels[::-1] if is_reversed else ask.question.labels)
    value = {label: value for value, label in ask.options}[best]
    assert services.answer_ask(token=token_for(ask), rater=bob, value=value).value == 5


def test_cant_tell_is_stored_as_null(ask_about: AskAbout, alice: User, bob: User, hang: Hang) -> None:
    assert services.answer_ask(token=token_for(ask_about(hang(alice), bob)), rater=bob, value=None).value is None
    assert Ask.objects.get().outcome == "answered"


def test_the_same_answer_twice_is_one_row_and_another_is_refused(
    ask_about: AskAbout, alice: User, bob: User, hang: Hang
) -> None:
    token = token_for(ask_about(hang(alice), bob))
    first = services.answer_ask(token=token, rater=bob, value=4)
    assert services.answer_ask(token=token, rater=bob, value=4) == first
    error = refusal(services.answer_ask, token=token, rater=bob, value=5)
    assert (error.code, error.status) == ("already_answered", 409)
    assert Rating.objects.get().value == 4


@pytest.mark.parametrize("value", [0, 6, -1, True + 7, "4", 2.5])
def test_a_value_off_the_scale_is_refused(ask_about: AskAbout, alice: User, bob: User, hang: Hang, value: Any) -> None:
    ask = ask_about(hang(alice), bob)
    error = refusal(services.answer_ask, token=token_for(ask), rater=bob, value=value)
    assert (error.status, list(error.fields)) == (400, ["value"])
    assert not Rating.objects.exists()


@pytest.mark.parametrize("forge", [lambda t: t + "x", lambda t: "x" + t[1:], lambda _: "", lambda _: "a:b:c"])
def test_a_forged_token_is_refused(
    ask_about: AskAbout, alice: User, bob: User, hang: Hang, forge: Callable[[str], str]
) -> None:
    ask = ask_about(hang(alice), bob)
    error = refusal(services.answer_ask, token=forge(token_for(ask)), rater=bob, value=4)
    assert (error.code, error.status) == ("forged_token", 400)
    assert not Rating.objects.exists()


def test_a_token_signed_for_something_else_is_refused(ask_about: AskAbout, alice: User, bob: User, hang: Hang) -> None:
    ask = ask_about(hang(alice), bob)
    elsewhere = signing.dumps([ask.public_id, bob.pk, ask.subject], salt="other")
    assert refusal(services.answer_ask, token=elsewhere, rater=bob, value=4).status == 400
    assert refusal(services.answer_ask, token=signing.dumps("x", salt=SALT), rater=bob, value=4).status == 400


def test_somebody_elses_ask_is_not_there(
    ask_about: AskAbout, alice: User, bob: User, mallory: User, hang: Hang
) -> None:
    token = token_for(ask_about(hang(alice), bob))
    for call in (services.answer_ask, services.skip_ask, services.dismiss_ask, services.mark_shown):
        more = {"value": 1} if call is services.answer_ask else {}
        assert refusal(call, token=token, rater=mallory, **more).status == 404
    assert Ask.objects.get().outcome == "open"


def test_an_answer_about_another_ask_or_picture_than_the_tokens_is_refused(
    ask_about: AskAbout, alice: User, bob: User, hang: Hang
) -> None:
    first, second = ask_about(hang(alice, seed=1), bob), ask_about(hang(alice, seed=2), bob)
    assert first.image
    assert second.image
    for about in ([second.public_id], [first.public_id, second.image.public_id]):
        error = refusal(services.answer_ask, token=token_for(first), rater=bob, value=4, about=about)
        assert (error.code, error.status) == ("other_subject", 400)
    about = [first.public_id, first.image.public_id]
    assert services.answer_ask(token=token_for(first), rater=bob, value=4, about=about).value == 4


def test_a_token_whose_picture_is_not_the_ledgers_is_refused(
    ask_about: AskAbout, alice: User, bob: User, hang: Hang
) -> None:
    ask, other = ask_about(hang(alice, seed=1), bob), hang(alice, seed=2)
    swapped = signing.dumps([ask.public_id, bob.pk, [other.pk]], salt=SALT)
    assert refusal(services.answer_ask, token=swapped, rater=bob, value=4).code == "other_subject"


def test_an_answer_after_the_hour_is_refused(ask_about: AskAbout, alice: User, bob: User, hang: Hang) -> None:
    ask = ask_about(hang(alice), bob)
    error = refusal(services.answer_ask, token=token_for(ask), rater=bob, value=4, at=ask.expires_at)
    assert (error.code, error.status) == ("expired", 409)
    in_time = ask.expires_at - timedelta(microseconds=1)
    assert services.answer_ask(token=token_for(ask), rater=bob, value=4, at=in_time).value == 4


def test_a_member_who_may_not_vote_any_longer_cannot_answer(
    ask_about: AskAbout, alice: User, bob: User, hang: Hang
) -> None:
    ask = ask_about(hang(alice), bob)
    restrict_member(user=bob, kind=Restriction.Kind.MUTED, until=None, decision=None)
    assert refusal(services.answer_ask, token=token_for(ask), rater=bob, value=4).status == 403
    assert not Rating.objects.exists()


def test_a_picture_that_was_taken_down_meanwhile_cannot_be_rated(
    ask_about: AskAbout, alice: User, bob: User, hang: Hang
) -> None:
    image = hang(alice)
    ask = ask_about(image, bob)
    unpublish_post(post=image.post, author=alice)
    assert refusal(services.answer_ask, token=token_for(ask), rater=bob, value=4).status == 404
    assert not Rating.objects.exists()


def test_an_answer_is_one_statement(
    ask_about: AskAbout, alice: User, bob: User, hang: Hang, django_assert_num_queries: Any
) -> None:
    token = token_for(ask_about(hang(alice), bob))
    with django_assert_num_queries(1):
        services.answer_ask(token=token, rater=bob, value=4, dwell_ms=1200)


def test_the_statement_lets_in_exactly_what_may_be_asked_about(
    always: Policy, alice: User, bob: User, make_member: MakeMember, make_image: MakeImage, hang: Hang
) -> None:
    banned, muted, grown = make_member("banned"), make_member("muted"), make_member("grown", is_adult=True, max_level=2)
    mature = hang(alice, seed=3, content_level=ContentLevel.MATURE)
    deleted = make_image(alice, seed=5)
    images = [
        make_image(alice, seed=1), hang(alice, seed=2), mature, make_image(alice, seed=4, state=ImageState.HELD),
        hang(banned, seed=6), make_image(bob, seed=7), deleted, hang(grown, seed=8), hang(muted, seed=9),
    ]  # fmt: skip
    blank = dict.fromkeys(("prefix", "jpeg_sha256", "png_sha256", "alt_text", "thumbhash", "placeholder"), "")
    Image.objects.filter(pk=deleted.pk).update(deleted_at=timezone.now(), pdq=None, **blank)
    restrict_member(user=banned, kind=Restriction.Kind.BANNED, until=None, decision=None)
    restrict_member(user=muted, kind=Restriction.Kind.MUTED, until=None, decision=None)
    lifted = restrict_member(user=grown, kind=Restriction.Kind.MUTED, until=None, decision=None)
    lift_restriction(restriction=lifted)
    restrict_member(user=bob, kind=Restriction.Kind.MUTED, until=timezone.now(), decision=None)  # over already
    at = timezone.now() + timedelta(seconds=1)
    question, seen = Question.objects.active().on_scale()[0], set()
    for rater in (alice, bob, grown, muted, banned):
        askable = set(askable_images(rater, at).values_list("pk", flat=True)) if rater not in (muted, banned) else set()
        for image in images:
            ask = Ask.objects.create(
                policy=always, surface="post", stratum="s", rater=rater, image=image, question=question, p_ask=1,
                p_question=1, rater_is_author=False, created_at=at, expires_at=at + timedelta(hours=1),
            )  # fmt: skip
            stored = ledger.store_rating(
                ask=ask.public_id, rater=rater.pk, level=rater.max_level, image=image.pk, value=3, dwell_ms=None, at=at
            )
            assert (stored is not None) == (image.pk in askable), (rater.username, image.seed)
            seen.add(stored is not None)
    assert seen == {True, False}


# Skipping, seeing, expiring


def test_skipping_and_dismissing_close_without_an_answer_and_stay(
    ask_about: AskAbout, alice: User, bob: User, hang: Hang
) -> None:
    skipped, dismissed = ask_about(hang(alice, seed=1), bob), ask_about(hang(alice, seed=2), bob)
    assert services.skip_ask(token=token_for(skipped), rater=bob).outcome == "skipped"
    assert services.dismiss_ask(token=token_for(dismissed), rater=bob).outcome == "dismissed"
    assert services.dismiss_ask(token=token_for(skipped), rater=bob).outcome == "skipped"
    assert refusal(services.answer_ask, token=token_for(skipped), rater=bob, value=4).status == 409


def test_two_dismissals_in_a_row_make_the_next_draw_impossible_for_a_day(
    ask_about: AskAbout, alice: User, bob: User, hang: Hang
) -> None:
    for seed in (1, 2):
        services.dismiss_ask(token=token_for(ask_about(hang(alice, seed=seed), bob)), rater=bob)
    assert services.draw_ask(surface="post", image=hang(alice, seed=3), rater=bob) is None
    assert DrawTally.objects.get().reason == "pause"
    later = timezone.now() + timedelta(hours=24)
    assert services.draw_ask(surface="post", image=hang(alice, seed=4), rater=bob, at=later)


def test_what_ran_out_is_expired_if_it_was_seen_and_never_shown_if_not(
    ask_about: AskAbout, alice: User, bob: User, hang: Hang
) -> None:
    seen, unseen = ask_about(hang(alice, seed=1), bob), ask_about(hang(alice, seed=2), bob)
    services.mark_shown(token=token_for(seen), rater=bob)
    assert services.expire_asks(at=seen.expires_at - timedelta(seconds=1)) == 0
    assert services.expire_asks(at=unseen.expires_at) == 2
    assert services.expire_asks(at=unseen.expires_at) == 0
    outcomes = dict(Ask.objects.values_list("pk", "outcome"))
    assert outcomes == {seen.pk: "expired", unseen.pk: "not_rendered"}


def test_a_page_that_goes_before_its_question_was_seen_says_so_and_one_that_was_seen_stays_open(
    ask_about: AskAbout, alice: User, bob: User, hang: Hang
) -> None:
    seen, unseen = ask_about(hang(alice, seed=1), bob), ask_about(hang(alice, seed=2), bob)
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
def test_of_fifty_answers_at_once_one_counts(ask_about: AskAbout, alice: User, bob: User, hang: Hang) -> None:
    ask = ask_about(hang(alice), bob)
    token = token_for(ask)

    def answer(n: int) -> int | str:
        try:
            return services.answer_ask(token=token, rater=bob, value=1 + n % 5).value or 0
        except Refused as error:
            return error.code
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        said = list(pool.map(answer, range(50)))
    stored = Rating.objects.get().value
    assert stored
    # those who said the same are told that it counts; everybody else is refused with a reason
    assert said == [stored if 1 + n % 5 == stored else "already_answered" for n in range(50)]


@pytest.mark.django_db(transaction=True)
def test_draws_of_one_member_at_once_never_pass_a_limit(
    make_policy: MakePolicy, alice: User, bob: User, hang: Hang
) -> None:
    make_policy(asks_per_day=1)
    images = [hang(alice, seed=seed) for seed in range(8)]

    def draw(image: Image) -> bool:
        try:
            return services.draw_ask(surface="post", image=image, rater=bob) is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(draw, images)) == 1
    assert Ask.objects.count() == 1
    assert sum(DrawTally.objects.values_list("draws", flat=True)) == 7
