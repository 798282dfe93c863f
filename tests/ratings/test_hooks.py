"""What follows from answers and from their absence: aspects of posts, decisions, forgotten members."""

import pytest
from django.core.cache import cache
from django.utils import timezone

from accounts.models import User
from accounts.services import delete_account, export_personal_data
from feed.models import PostAspect
from generation.models import Image
from moderation.cases.services import claim_case, open_case
from moderation.decisions.services import decide_case
from moderation.models import Decision
from ratings import effects, tasks
from ratings.asking import services
from ratings.models import Ask, Comparison, Rating
from ratings.quality import post_aspects
from tests.conftest import MakeMember
from tests.ratings.answers import rate, vote
from tests.ratings.conftest import Publish


def aspect(image: Image, slug: str = "lighting") -> tuple[float, int] | None:
    found = PostAspect.objects.filter(post__image=image, aspect=slug).first()
    return None if found is None else (round(found.mean, 4), found.n)


# Aspects


def test_a_post_shows_what_others_said_pulled_towards_the_mean_of_all(
    alice: User, make_member: MakeMember, publish: Publish
) -> None:
    good, other = publish(alice, seed=1), publish(alice, seed=2)
    for n, value in enumerate([5, 5, 5]):
        rate(make_member(f"rater{n}"), good, value)
    rate(make_member("critic"), other, 1)
    tasks.refresh_aspects()
    prior = (5 + 5 + 5 + 1) / 4
    assert aspect(good) == (round((15 + 5 * prior) / 8, 4), 3)
    assert aspect(other) == (round((1 + 5 * prior) / 6, 4), 1)


def test_the_authors_own_answer_cant_tell_and_unpublished_pictures_make_no_aspect(
    alice: User, bob: User, publish: Publish, make_member: MakeMember
) -> None:
    image = publish(alice)
    rate(alice, image, 5)
    rate(bob, image, None)
    tasks.refresh_aspects()
    assert aspect(image) is None


def test_refreshing_takes_what_is_new_and_is_the_same_when_done_twice(
    alice: User, bob: User, mallory: User, publish: Publish
) -> None:
    image = publish(alice)
    rate(bob, image, 4)
    assert post_aspects.refresh_new_ratings() == 1
    first = aspect(image)
    assert post_aspects.refresh_new_ratings() == 0
    rate(mallory, image, 2)
    cache.delete("ratings-aspect-priors")
    tasks.refresh_aspects()
    assert aspect(image) != first
    before = aspect(image)
    cache.delete(post_aspects.MARK)  # lost: everything is counted again
    tasks.refresh_aspects()
    assert aspect(image) == before


# Decisions


def test_a_decision_that_takes_a_picture_away_closes_the_questions_about_it(
    always: object, alice: User, bob: User, mod: User, publish: Publish
) -> None:
    image, other = publish(alice, seed=1), publish(alice, seed=2)
    for each in (image, other):
        assert services.draw_ask(surface="post", image=each, rater=bob)
    case = claim_case(moderator=mod, case=open_case(target=image, origin="report", severity=1))
    assert case
    decide_case(case=case, moderator=mod, action=Decision.Action.REMOVE, reason="spam")
    assert dict(Ask.objects.values_list("image", "outcome")) == {image.pk: "not_rendered", other.pk: "open"}


def test_a_new_level_closes_the_questions_of_others_and_leaves_the_makers(
    always: object, alice: User, bob: User, publish: Publish
) -> None:
    image = publish(alice)
    by_maker = services.draw_ask(surface="result", image=image, rater=alice)
    by_other = services.draw_ask(surface="post", image=image, rater=bob)
    effects.apply(decision=Decision(action=Decision.Action.LEVEL, decided_at=timezone.now()), target=image)
    assert by_maker
    assert by_other
    assert {ask.pk for ask in Ask.objects.filter(outcome="open")} == {by_maker.pk}


@pytest.mark.parametrize("action", [Decision.Action.APPROVE, Decision.Action.ESCALATE])
def test_a_decision_that_changes_nothing_to_see_closes_nothing(
    always: object, alice: User, bob: User, publish: Publish, action: str
) -> None:
    image = publish(alice)
    assert services.draw_ask(surface="post", image=image, rater=bob)
    effects.apply(decision=Decision(action=action, decided_at=timezone.now()), target=image.post)
    assert Ask.objects.get().outcome == "open"


def test_a_restricted_member_has_no_question_open_and_none_is_open_about_their_pictures(
    always: object, alice: User, bob: User, mallory: User, publish: Publish
) -> None:
    services.draw_ask(surface="post", image=publish(alice, seed=1), rater=mallory)
    services.draw_ask(surface="post", image=publish(mallory, seed=2), rater=bob)
    kept = services.draw_ask(surface="post", image=publish(alice, seed=3), rater=bob)
    effects.apply(decision=Decision(action=Decision.Action.RESTRICT, decided_at=timezone.now()), target=mallory)
    assert list(Ask.objects.filter(outcome="open")) == [kept]


# Personal data


def test_a_download_holds_every_question_and_answer(alice: User, bob: User, publish: Publish) -> None:
    image, other = publish(alice, seed=1), publish(alice, seed=2)
    rate(bob, image, 4)
    vote(bob, image, other, "tie")
    data = export_personal_data(user=bob)["ratings"]
    assert [row["value"] for row in data["ratings"]] == [4]
    assert [row["outcome"] for row in data["comparisons"]] == ["tie"]
    assert len(data["asks"]) == 2


def test_a_forgotten_member_leaves_no_answer_and_no_answer_about_their_pictures(
    alice: User, bob: User, mallory: User, publish: Publish
) -> None:
    of_alice, of_bob = publish(alice, seed=1), publish(bob, seed=2)
    rate(bob, of_alice, 1)
    rate(mallory, of_bob, 5)
    rate(mallory, of_alice, 5)
    vote(mallory, of_alice, of_bob, of_bob)
    post_aspects.refresh_new_ratings()
    delete_account(user=bob)
    post_aspects.refresh_aspects(images=[of_alice.pk])
    assert Rating.objects.get().rater == mallory
    assert not Comparison.objects.exists()
    assert not Ask.objects.filter(rater=bob).exists()
    assert Ask.objects.count() == 1
    after = aspect(of_alice)
    assert after
    assert after[1] == 1
