"""Which pairs a member may compare, how they are shown, and which answers count."""

import io
import random
from datetime import timedelta

import PIL.Image
import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from feed.challenges.services import enter_challenge
from feed.members.services import block_member
from feed.models import Challenge, Post
from feed.posts.services import unpublish_post
from generation.media import storage
from generation.models import Image, ImageState
from lib.content_levels import ContentLevel
from lib.errors import Refused
from moderation.models import Restriction
from moderation.restrictions.services import restrict_member
from ratings.asking import services
from ratings.asking.pools import REPEAT_AFTER, comparison_pools
from ratings.asking.sampling import Parameters
from ratings.asking.tokens import token_for
from ratings.models import Ask, AskOutcome, Comparison, Policy
from tests.conftest import ApiAs, As, MakeMember
from tests.generation.fixtures import MakeImage, checkpoint_row
from tests.ratings.answers import drawn, siblings, vote
from tests.ratings.conftest import MakePolicy, Publish

pytestmark = pytest.mark.usefixtures("always")


def pairs(rater: User) -> set[tuple[str, int, int]]:
    parameters = Parameters.from_json(Policy.objects.current().parameters)
    pools = comparison_pools(rater, parameters, timezone.now(), with_own=True)
    return {(strategy, pair.low, pair.high) for strategy, pool in pools.items() for pair in pool}


def test_unpublished_siblings_are_shown_to_their_author_alone(
    alice: User, bob: User, mod: User, make_image: MakeImage
) -> None:
    low, high = siblings(alice, make_image)
    assert pairs(alice) == {("seed", low.pk, high.pk)}  # and no gold: nobody is shown an own picture spoiled
    assert pairs(bob) == set()
    assert pairs(mod) == set()
    assert services.draw_comparison(rater=bob) is None


def test_published_pictures_of_one_prompt_and_size_meet_whoever_made_them(
    alice: User, bob: User, mallory: User, publish: Publish
) -> None:
    other_model = checkpoint_row("other", "other")
    one, two = (
        publish(alice, prompt="a fox", seed=1),
        publish(bob, prompt="a fox", seed=2, checkpoint=other_model),
    )
    publish(bob, prompt="a bear", seed=3)
    publish(bob, prompt="a fox", seed=4, width=96)
    assert pairs(mallory) == {("model", one.pk, two.pk), ("gold", one.pk, two.pk)}


def test_no_pair_has_a_picture_that_is_not_this_members_to_see(
    alice: User, bob: User, make_image: MakeImage, publish: Publish
) -> None:
    shown = publish(alice, seed=1)
    more = {"generation": shown.generation}
    make_image(alice, seed=2, **more)
    make_image(alice, seed=3, state=ImageState.HELD, **more)
    publish(alice, seed=4, content_level=ContentLevel.MATURE, **more)
    Image.objects.filter(pk=publish(alice, seed=5, **more).pk).update(is_prompt_hidden=True)
    taken_down = publish(alice, seed=6, **more)
    unpublish_post(post=taken_down.post, author=alice)
    assert pairs(bob) == set()


def test_a_pair_that_was_shown_is_not_shown_again_before_its_repeat(alice: User, bob: User, publish: Publish) -> None:
    low, high = siblings(alice, publish)
    services.answer_comparison(token=token_for(drawn(bob)), rater=bob, outcome="skip")
    assert pairs(bob) == set()
    assert pairs(alice) == {("seed", low.pk, high.pk)}


def test_a_repeat_waits_ten_minutes_and_turns_the_sides_round(
    make_policy: MakePolicy, alice: User, bob: User, publish: Publish
) -> None:
    make_policy(p_repeat=0.98)
    siblings(alice, publish, n=3)
    at = timezone.now()
    first = services.draw_comparison(rater=bob, at=at)
    assert first
    services.answer_comparison(token=token_for(first), rater=bob, outcome="tie", at=at)
    early = services.draw_comparison(rater=bob, at=at)
    assert early
    assert early.repeat_no == 0
    services.answer_comparison(token=token_for(early), rater=bob, outcome="skip", at=at)
    again = services.draw_comparison(rater=bob, at=at + REPEAT_AFTER, rng=random.Random(1))
    assert again
    assert (again.strategy, again.repeat_no, again.subject) == ("repeat", 1, first.subject)
    assert again.is_side_swapped != first.is_side_swapped
    assert again.p_side == 1
    services.answer_comparison(token=token_for(again), rater=bob, outcome="left", at=at + REPEAT_AFTER)
    assert Comparison.objects.filter(rater=bob).count() == 2


def test_the_ledger_holds_the_pair_low_id_first_with_every_probability(
    alice: User, bob: User, publish: Publish
) -> None:
    low, high = siblings(alice, publish)
    ask = drawn(bob)
    ask.refresh_from_db()
    assert (ask.is_gold, ask.is_high_spoiled, ask.language) == (False, None, "en")
    assert ask.subject == [low.pk, high.pk]
    assert {ask.left, ask.right} == {low, high}
    assert (ask.p_ask, ask.p_strategy, ask.p_pair, ask.p_side) == (1, 1, 1, 0.5)
    assert (ask.propensity, ask.surface, ask.strategy, ask.outcome) == (0.5, "compare", "seed", "open")


def test_an_open_pair_comes_back_until_it_is_answered(alice: User, bob: User, publish: Publish) -> None:
    siblings(alice, publish, n=4)
    ask = drawn(bob)
    assert drawn(bob) == ask
    services.answer_comparison(token=token_for(ask), rater=bob, outcome="left")
    assert drawn(bob) != ask


@pytest.mark.parametrize("is_swapped", [False, True])
@pytest.mark.parametrize("outcome", ["left", "right", "tie", "both_bad"])
def test_the_preferred_picture_is_the_one_that_stood_on_the_chosen_side(
    alice: User, bob: User, publish: Publish, outcome: str, is_swapped: bool
) -> None:
    low, high = siblings(alice, publish)
    ask = drawn(bob)
    Ask.objects.filter(pk=ask.pk).update(is_side_swapped=is_swapped)
    services.answer_comparison(token=token_for(ask), rater=bob, outcome=outcome)
    left, right = (high, low) if is_swapped else (low, high)
    stored = Comparison.objects.get()
    assert stored.preferred == {"left": left, "right": right}.get(outcome)
    assert (stored.outcome, stored.image_low, stored.image_high) == (outcome, low, high)


def test_a_skipped_pair_has_no_answer_and_stays_skipped(alice: User, bob: User, publish: Publish) -> None:
    siblings(alice, publish)
    token = token_for(drawn(bob))
    assert services.answer_comparison(token=token, rater=bob, outcome="skip").outcome == AskOutcome.SKIPPED
    services.answer_comparison(token=token, rater=bob, outcome="skip")
    with pytest.raises(Refused) as refused:
        services.answer_comparison(token=token, rater=bob, outcome="left")
    assert refused.value.status == 409
    assert not Comparison.objects.exists()


def test_the_same_verdict_twice_is_one_row_and_another_is_refused(alice: User, bob: User, publish: Publish) -> None:
    siblings(alice, publish)
    token = token_for(drawn(bob))
    for _ in range(2):
        services.answer_comparison(token=token, rater=bob, outcome="tie")
    with pytest.raises(Refused) as refused:
        services.answer_comparison(token=token, rater=bob, outcome="left")
    assert refused.value.code == "already_answered"
    assert Comparison.objects.get().outcome == "tie"


def test_an_unknown_verdict_somebody_elses_pair_and_a_late_one_are_refused(
    alice: User, bob: User, mallory: User, publish: Publish
) -> None:
    siblings(alice, publish)
    ask = drawn(bob)
    late = ask.expires_at + timedelta(seconds=1)
    for rater, outcome, at, status in [(bob, "up", None, 400), (mallory, "left", None, 404), (bob, "left", late, 409)]:
        with pytest.raises(Refused) as refused:
            services.answer_comparison(token=token_for(ask), rater=rater, outcome=outcome, at=at)
        assert refused.value.status == status
    assert not Comparison.objects.exists()


def test_a_member_who_may_not_vote_gets_a_reason(alice: User, bob: User, publish: Publish, as_user: As) -> None:
    siblings(alice, publish)
    restrict_member(user=bob, kind=Restriction.Kind.MUTED, until=None, decision=None)
    page = as_user(bob).get(reverse("ratings:compare"))
    assert page.status_code == 403
    assert 'role="alert"' in page.content.decode()


def test_a_pair_that_others_compared_counts_its_raters(
    alice: User, bob: User, make_member: MakeMember, publish: Publish
) -> None:
    low, high = siblings(alice, publish)
    for name in ("carol", "dave"):
        vote(make_member(name), low, high, "tie")
    parameters = Parameters.from_json(Policy.objects.current().parameters)
    (pair,) = comparison_pools(bob, parameters, timezone.now())["seed"]
    assert pair.raters == 2


def test_one_setting_changed_with_the_seed_kept_is_a_pair_of_its_own_kind(
    alice: User, bob: User, mallory: User, publish: Publish
) -> None:
    one, two = (
        publish(alice, prompt="a fox", seed=1),
        publish(bob, prompt="a fox", seed=1, negative_prompt="blur"),
    )
    Image.objects.filter(pk=two.pk).update(jpeg_sha256="f" * 64)  # the toy draws by its seed alone
    publish(bob, prompt="a fox", seed=2, negative_prompt="grain")
    assert ("setting", one.pk, two.pk) in pairs(mallory)
    assert sum(strategy == "setting" for strategy, _, _ in pairs(mallory)) == 1


def test_nobody_compares_pictures_of_somebody_they_blocked(alice: User, bob: User, publish: Publish) -> None:
    siblings(alice, publish)
    assert pairs(bob)
    block_member(member=bob, blocked=alice)
    assert pairs(bob) == set()


# Hidden checks


@pytest.fixture
def gold(make_policy: MakePolicy, alice: User, bob: User, publish: Publish) -> Ask:
    """A gold pair that is open for bob."""
    make_policy(p_gold=0.5, p_repeat=0)
    siblings(alice, publish, n=4)
    for seed in range(40):
        ask = services.draw_comparison(rater=bob, rng=random.Random(seed))
        assert ask
        if ask.is_gold:
            return ask
        ask.delete()
    raise AssertionError("forty draws, and no gold among them")


def test_a_gold_pair_shows_one_side_spoiled_under_an_address_like_any_other(gold: Ask, bob: User, as_user: As) -> None:
    client = as_user(bob)
    html = client.get(reverse("ratings:compare")).content.decode()
    assert "gold" not in html
    assert "spoiled" not in html
    assert (gold.strategy, gold.p_strategy, gold.p_side) == ("gold", 0.5, 0.5)
    shown = {}
    for side, image in (("left", gold.left), ("right", gold.right)):
        assert image
        data = client.get(reverse("ratings:compare-picture", args=[gold.public_id, side])).content
        stored = storage.read(f"{image.prefix}/{image.rendition_hash}-{image.rendition_widths[-1]}.webp")
        shown[image.pk] = data == stored
        with PIL.Image.open(io.BytesIO(data)) as seen, PIL.Image.open(io.BytesIO(stored)) as made:
            assert seen.size == made.size
    assert [pk for pk, is_intact in shown.items() if not is_intact] == [gold.spoiled]


def test_a_gold_pair_is_revealed_as_a_check_names_no_model_and_is_no_vote(gold: Ask, bob: User, as_user: As) -> None:
    client = as_user(bob)
    body = {"token": token_for(gold), "outcome": "left"}
    client.post(reverse("ratings:compare-answer", args=[gold.public_id]), body)
    html = client.get(reverse("ratings:compare-reveal", args=[gold.public_id])).content.decode()
    assert "This pair was a check" in html
    assert "Toy" not in html
    assert Comparison.objects.exists()
    assert not Comparison.objects.votes().exists()


def test_checks_come_as_often_as_the_policy_says_and_a_gold_pair_is_never_repeated(
    make_policy: MakePolicy, alice: User, bob: User, publish: Publish
) -> None:
    make_policy(p_gold=0.25, p_repeat=0.25)
    siblings(alice, publish, n=6)
    rng, at = random.Random(7), timezone.now()
    while ask := services.draw_comparison(rater=bob, at=at, rng=rng):
        services.answer_comparison(token=token_for(ask), rater=bob, outcome="left", at=at)
        at += REPEAT_AFTER
    asked = Ask.objects.filter(rater=bob)
    assert asked.count() > 15  # every pair of six once, and some again
    gold = set(asked.filter(is_gold=True).values_list("image_low", "image_high"))
    again = set(asked.filter(repeat_no=1).values_list("image_low", "image_high"))
    assert gold
    assert again
    assert gold.isdisjoint(again)


def test_a_pair_is_shown_when_the_browser_says_so_and_leaving_the_page_draws_no_other(
    alice: User, bob: User, publish: Publish, as_user: As
) -> None:
    siblings(alice, publish)
    client, ask = as_user(bob), drawn(bob)
    assert (
        f'data-report-url="{reverse("ratings:ask-report", args=[ask.public_id])}"'
        in client.get(reverse("ratings:compare")).content.decode()
    )
    report = reverse("ratings:ask-report", args=[ask.public_id])
    client.post(report, {"token": token_for(ask), "event": "not_rendered"})
    ask.refresh_from_db()
    assert (ask.outcome, ask.shown_at) == ("open", None)
    again = drawn(bob)
    assert again.pk == ask.pk
    services.expire_asks(at=ask.expires_at)
    ask.refresh_from_db()
    assert ask.outcome == "not_rendered"
    again = drawn(bob)
    assert again.pk != ask.pk
    client.post(reverse("ratings:ask-report", args=[again.public_id]), {"token": token_for(again), "event": "shown"})
    again.refresh_from_db()
    assert again.shown_at
    assert again.shown_at > again.created_at


# Challenge entries


@pytest.fixture
def theme(alice: User, bob: User, publish: Publish) -> Challenge:
    """Today's challenge, with one entry of alice's and one of bob's; hers hides its prompt."""
    challenge = Challenge.objects.create(day=timezone.localdate(), theme="Something red")
    for member, prompt in ((alice, "a red fox"), (bob, "a red tree")):
        image = publish(member, prompt=prompt, is_prompt_hidden=member == alice)
        enter_challenge(challenge=challenge, post=image.post, member=member)
    return challenge


def test_challenge_entries_meet_under_their_theme_and_nobody_compares_their_own(
    theme: Challenge, alice: User, bob: User, mallory: User, as_user: As
) -> None:
    low, high = Image.objects.order_by("pk").values_list("pk", flat=True)
    assert pairs(mallory) == {("challenge", low, high)}
    assert pairs(alice) == pairs(bob) == set()
    client = as_user(mallory)
    client.cookies["theme"] = "dark"
    html = client.get(reverse("ratings:compare")).content.decode()
    assert "Something red" in html
    assert 'data-theme="dark"' in html  # the reader's colours have nothing to do with the challenge's theme
    assert "Two entries in the same challenge." in html
    assert Ask.objects.get().wording.text in html  # the ledger names the words that were shown
    assert "a red fox" not in html
    assert "a red tree" not in html
    ask = Ask.objects.get()
    services.answer_comparison(token=token_for(ask), rater=mallory, outcome="left")
    html = client.get(reverse("ratings:compare-reveal", args=[ask.public_id])).content.decode()
    assert "Something red" in html
    assert 'data-theme="dark"' in html
    assert "View post" in html
    assert "a red fox" not in html, "hers is hidden"
    assert "a red tree" in html


def test_an_old_challenge_and_an_entry_that_was_taken_down_make_no_pair(
    theme: Challenge, alice: User, mallory: User, api_as: ApiAs
) -> None:
    at = timezone.now() + timedelta(days=8)
    parameters = Parameters.from_json(Policy.objects.current().parameters)
    assert comparison_pools(mallory, parameters, at)["challenge"] == []
    body = api_as(mallory).post("/api/comparisons/").json()
    assert (body["prompt"], body["theme"]) == (None, "Something red")
    Ask.objects.all().delete()
    unpublish_post(post=Post.objects.get(author=alice), author=alice)
    assert pairs(mallory) == set()
