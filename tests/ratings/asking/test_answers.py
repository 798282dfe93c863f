"""Answering: whose, which, until when, how often; everything else is refused with a reason."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.core import signing
from django.db import connection
from django.utils import timezone

from accounts.models import User
from feed.members.services import block_member
from feed.posts.services import unpublish_post
from generation.models import Image, ImageState
from lib.content_levels import ContentLevel
from lib.errors import Refused
from moderation.models import Restriction
from moderation.restrictions.services import end_restriction, restrict_member
from ratings.asking import ledger, services
from ratings.asking.pools import askable_images
from ratings.asking.tokens import SALT, token_for
from ratings.models import Ask, Policy, Question, Rating
from tests.conftest import MakeMember
from tests.generation.fixtures import MakeImage
from tests.ratings.answers import refusal
from tests.ratings.conftest import Publish

AskAbout = Callable[[Image, User], Ask]


def test_an_answer_is_one_rating_and_closes_the_ask(
    ask_about: AskAbout, alice: User, bob: User, publish: Publish
) -> None:
    ask = ask_about(publish(alice), bob)
    at = timezone.now() + timedelta(seconds=9)
    rating = services.answer_ask(token=token_for(ask), rater=bob, value=4, dwell_ms=2400, at=at)
    ask.refresh_from_db()
    assert (rating.value, rating.image, rating.question, rating.created_at) == (4, ask.image, ask.question, at)
    assert (ask.outcome, ask.closed_at, ask.dwell_ms, ask.shown_at) == ("answered", at, 2400, ask.created_at)


@pytest.mark.parametrize("is_reversed", [False, True])
def test_the_best_step_is_stored_as_5_whichever_way_the_scale_was_shown(
    ask_about: AskAbout, alice: User, bob: User, publish: Publish, is_reversed: bool
) -> None:
    ask = ask_about(publish(alice), bob)
    Ask.objects.filter(pk=ask.pk).update(is_scale_reversed=is_reversed)
    ask.refresh_from_db()
    best = ask.question.labels[-1]
    shown = [label for _, label in ask.options]
    assert shown == (ask.question.labels[::-1] if is_reversed else ask.question.labels)
    value = {label: value for value, label in ask.options}[best]
    assert services.answer_ask(token=token_for(ask), rater=bob, value=value).value == 5


def test_cant_tell_is_stored_as_null(ask_about: AskAbout, alice: User, bob: User, publish: Publish) -> None:
    assert services.answer_ask(token=token_for(ask_about(publish(alice), bob)), rater=bob, value=None).value is None
    assert Ask.objects.get().outcome == "answered"


def test_the_same_answer_twice_is_one_row_and_another_is_refused(
    ask_about: AskAbout, alice: User, bob: User, publish: Publish
) -> None:
    token = token_for(ask_about(publish(alice), bob))
    first = services.answer_ask(token=token, rater=bob, value=4)
    assert services.answer_ask(token=token, rater=bob, value=4) == first
    error = refusal(services.answer_ask, token=token, rater=bob, value=5)
    assert (error.code, error.status) == ("already_answered", 409)
    assert Rating.objects.get().value == 4


@pytest.mark.parametrize("value", [0, 6, -1, True + 7, "4", 2.5])
def test_a_value_off_the_scale_is_refused(
    ask_about: AskAbout, alice: User, bob: User, publish: Publish, value: Any
) -> None:
    ask = ask_about(publish(alice), bob)
    error = refusal(services.answer_ask, token=token_for(ask), rater=bob, value=value)
    assert (error.status, list(error.fields)) == (400, ["value"])
    assert not Rating.objects.exists()


@pytest.mark.parametrize("forge", [lambda t: t + "x", lambda t: "x" + t[1:], lambda _: "", lambda _: "a:b:c"])
def test_a_forged_token_is_refused(
    ask_about: AskAbout, alice: User, bob: User, publish: Publish, forge: Callable[[str], str]
) -> None:
    ask = ask_about(publish(alice), bob)
    error = refusal(services.answer_ask, token=forge(token_for(ask)), rater=bob, value=4)
    assert (error.code, error.status) == ("forged_token", 400)
    assert not Rating.objects.exists()


def test_a_token_signed_for_something_else_is_refused(
    ask_about: AskAbout, alice: User, bob: User, publish: Publish
) -> None:
    ask = ask_about(publish(alice), bob)
    elsewhere = signing.dumps([ask.public_id, bob.pk, ask.subject], salt="other")
    assert refusal(services.answer_ask, token=elsewhere, rater=bob, value=4).status == 400
    assert refusal(services.answer_ask, token=signing.dumps("x", salt=SALT), rater=bob, value=4).status == 400


def test_somebody_elses_ask_is_not_there(
    ask_about: AskAbout, alice: User, bob: User, mallory: User, publish: Publish
) -> None:
    token = token_for(ask_about(publish(alice), bob))
    for call in (services.answer_ask, services.skip_ask, services.dismiss_ask, services.mark_shown):
        more = {"value": 1} if call is services.answer_ask else {}
        assert refusal(call, token=token, rater=mallory, **more).status == 404
    assert Ask.objects.get().outcome == "open"


def test_an_answer_about_another_ask_or_picture_than_the_tokens_is_refused(
    ask_about: AskAbout, alice: User, bob: User, publish: Publish
) -> None:
    first, second = ask_about(publish(alice, seed=1), bob), ask_about(publish(alice, seed=2), bob)
    assert first.image
    assert second.image
    for about in ([second.public_id], [first.public_id, second.image.public_id]):
        error = refusal(services.answer_ask, token=token_for(first), rater=bob, value=4, about=about)
        assert (error.code, error.status) == ("other_subject", 400)
    about = [first.public_id, first.image.public_id]
    assert services.answer_ask(token=token_for(first), rater=bob, value=4, about=about).value == 4


def test_a_token_whose_picture_is_not_the_ledgers_is_refused(
    ask_about: AskAbout, alice: User, bob: User, publish: Publish
) -> None:
    ask, other = ask_about(publish(alice, seed=1), bob), publish(alice, seed=2)
    swapped = signing.dumps([ask.public_id, bob.pk, [other.pk]], salt=SALT)
    assert refusal(services.answer_ask, token=swapped, rater=bob, value=4).code == "other_subject"


def test_an_answer_after_the_hour_is_refused(ask_about: AskAbout, alice: User, bob: User, publish: Publish) -> None:
    ask = ask_about(publish(alice), bob)
    error = refusal(services.answer_ask, token=token_for(ask), rater=bob, value=4, at=ask.expires_at)
    assert (error.code, error.status) == ("expired", 409)
    in_time = ask.expires_at - timedelta(microseconds=1)
    assert services.answer_ask(token=token_for(ask), rater=bob, value=4, at=in_time).value == 4


def test_a_member_who_may_not_vote_any_longer_cannot_answer(
    ask_about: AskAbout, alice: User, bob: User, publish: Publish
) -> None:
    ask = ask_about(publish(alice), bob)
    restrict_member(user=bob, kind=Restriction.Kind.MUTED, until=None, decision=None)
    assert refusal(services.answer_ask, token=token_for(ask), rater=bob, value=4).status == 403
    assert not Rating.objects.exists()


def test_a_picture_that_was_taken_down_meanwhile_cannot_be_rated(
    ask_about: AskAbout, alice: User, bob: User, publish: Publish
) -> None:
    image = publish(alice)
    ask = ask_about(image, bob)
    unpublish_post(post=image.post, author=alice)
    assert refusal(services.answer_ask, token=token_for(ask), rater=bob, value=4).status == 404
    assert not Rating.objects.exists()


def test_an_answer_is_one_statement(
    ask_about: AskAbout, alice: User, bob: User, publish: Publish, django_assert_num_queries: Any
) -> None:
    token = token_for(ask_about(publish(alice), bob))
    with django_assert_num_queries(1):
        services.answer_ask(token=token, rater=bob, value=4, dwell_ms=1200)


def test_the_statement_lets_in_exactly_what_may_be_asked_about(
    always: Policy,
    alice: User,
    bob: User,
    make_member: MakeMember,
    make_image: MakeImage,
    publish: Publish,
) -> None:
    banned, muted, grown = make_member("banned"), make_member("muted"), make_member("grown", is_adult=True, max_level=2)
    mature = publish(alice, seed=3, content_level=ContentLevel.MATURE)
    deleted = make_image(alice, seed=5)
    foe, shy = make_member("foe"), make_member("shy")  # one whom bob blocked, and one who blocked bob
    block_member(member=bob, blocked=foe)
    block_member(member=shy, blocked=bob)
    images = [
        publish(foe, seed=10), publish(shy, seed=11),
        make_image(alice, seed=1), publish(alice, seed=2), mature, make_image(alice, seed=4, state=ImageState.HELD),
        publish(banned, seed=6), make_image(bob, seed=7), deleted, publish(grown, seed=8), publish(muted, seed=9),
    ]  # fmt: skip
    blank = dict.fromkeys(("prefix", "jpeg_sha256", "png_sha256", "alt_text", "thumbhash", "placeholder"), "")
    Image.objects.filter(pk=deleted.pk).update(deleted_at=timezone.now(), pdq=None, **blank)
    restrict_member(user=banned, kind=Restriction.Kind.BANNED, until=None, decision=None)
    restrict_member(user=muted, kind=Restriction.Kind.MUTED, until=None, decision=None)
    lifted = restrict_member(user=grown, kind=Restriction.Kind.MUTED, until=None, decision=None)
    end_restriction(restriction=lifted)
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
            if image.author in (foe, shy):
                assert (stored is None) == (rater in (bob, muted, banned)), (rater.username, image.seed)
    assert seen == {True, False}


@pytest.mark.django_db(transaction=True)
def test_of_fifty_answers_at_once_one_counts(ask_about: AskAbout, alice: User, bob: User, publish: Publish) -> None:
    ask = ask_about(publish(alice), bob)
    token = token_for(ask)

    def answer(n: int) -> int | str:
        try:
            return services.answer_ask(token=token, rater=bob, value=1 + n % 5).value or 0
        except Refused as error:
            return error.code
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        results = list(pool.map(answer, range(50)))
    stored = Rating.objects.get().value
    assert stored
    # the same answer returns the stored one; any other is refused with a reason
    assert results == [stored if 1 + n % 5 == stored else "already_answered" for n in range(50)]
