"""A campaign: set up once, asked of those who agreed and of nobody else, and mixed with nothing."""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from accounts.services import delete_account
from generation.models import Checkpoint, Image, ImageState
from lib.errors import NotFound, Refused
from ratings.asking import services as asking_services
from ratings.asking.pools import comparison_pools
from ratings.asking.sampling import Parameters
from ratings.asking.tokens import token_for
from ratings.benchmarks.prompts import Prompt
from ratings.campaigns import asks, pictures, services
from ratings.campaigns.design import Subject, draw_subject, subject_probabilities
from ratings.campaigns.progress import mean_of, progress_of
from ratings.models import (
    Ask,
    Campaign,
    CampaignMember,
    CampaignPicture,
    Comparison,
    Policy,
    PromptSet,
    QualityFlag,
    Question,
    Rating,
)
from ratings.quality.flags import evaluate_raters
from ratings.quality.models import RULES_VERSION
from ratings.research import reports
from tests.conftest import MakeMember
from tests.generation.fixtures import MakeImage, checkpoint_row
from tests.ratings.answers import refusal
from tests.ratings.campaigns.example_campaigns import SHARPNESS, answer_all, next_ask, opened, plan, preference


def test_a_campaign_is_set_up_with_everything_it_asks(two: list[Checkpoint], rita: User, bob: User) -> None:
    made = services.create_campaign(plan=plan(two, listed=["BOB"], pictures_a_prompt=2), created_by=rita)
    assert (made.slug, made.state, made.audience) == ("sharp-foxes", Campaign.State.DRAWING, Campaign.Audience.LISTED)
    assert made.pictures.count() == 2 * 2 * 2
    assert not made.question.is_active  # nothing else asks it
    assert list(CampaignMember.objects.values_list("member", "agreed_at")) == [(bob.pk, None)]
    again = services.create_campaign(plan=plan(two, question=preference()), created_by=rita)
    assert (again.slug, again.prompt_set) == ("sharp-foxes-2", made.prompt_set)
    assert PromptSet.objects.count() == 1
    assert again.is_about_pairs


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("title", {"title": " "}),
        ("consent_text", {"consent_text": ""}),
        ("checkpoints", {"checkpoints": []}),
        ("checkpoints", {"checkpoints": ["nobody"]}),
        ("size", {"size": (31, 32)}),
        ("pictures_a_prompt", {"pictures_a_prompt": 0}),
        ("pictures_a_prompt", {"pictures_a_prompt": 2_000}),
        ("answers_wanted", {"answers_wanted": 0}),
        ("ends_on", {"ends_at": timezone.now() - timedelta(days=1)}),
        ("listed", {"listed": ["nobody-of-this-name"]}),
        ("labels", {"question": services.NewQuestion("How?", ["Bad", "Good"])}),
        ("new_question", {"question": services.NewQuestion(" ", SHARPNESS.labels)}),
        ("file", {"prompts": [Prompt("a fox"), Prompt("")]}),
    ],
)
def test_a_campaign_that_makes_no_sense_is_refused_beside_its_field(
    field: str, changes: dict[str, Any], two: list[Checkpoint], rita: User
) -> None:
    found = refusal(services.create_campaign, plan=plan(two, **changes), created_by=rita)
    assert (found.status, list(found.fields)) == (400, [field])
    assert not Campaign.objects.exists()


def test_pairs_need_two_checkpoints(two: list[Checkpoint], rita: User) -> None:
    found = refusal(services.create_campaign, plan=plan(two[:1], question=preference()), created_by=rita)
    assert list(found.fields) == ["checkpoints"]


def test_the_queue_draws_the_pictures_and_what_rules_refuse_is_missing(
    tiny_checkpoint: Checkpoint, rita: User, run_gpu_worker_inline: Callable[..., int]
) -> None:
    prompts = [Prompt("a fox"), Prompt("child porn")]
    made = services.create_campaign(plan=plan([tiny_checkpoint], prompts=prompts), created_by=rita)
    assert not pictures.draw_pictures(campaign=made)  # asked for, not there
    assert refusal(services.open_campaign, campaign=made).status == 409
    run_gpu_worker_inline()
    assert pictures.draw_campaigns() == 1
    assert pictures.draw_campaigns() == 0
    made.refresh_from_db()
    assert made.state == Campaign.State.READY
    drawn = Image.objects.get()
    assert (drawn.state, drawn.is_public, drawn.author.username) == (ImageState.READY, False, "campaign")
    refused = CampaignPicture.objects.get(image=None)
    assert refused.failure
    assert progress_of(made)["pictures"] == [
        {"slug": "tiny", "name": "Tiny", "there": 1, "missing": 1, "waiting": 0, "planned": 2}
    ]


def test_a_member_agrees_once_is_asked_one_question_at_a_time_and_each_once(
    two: list[Checkpoint], rita: User, bob: User, make_image: MakeImage
) -> None:
    campaign = opened(two, rita, make_image)
    with pytest.raises(NotFound):
        next_ask(campaign, bob)
    services.agree_to_campaign(campaign=campaign, member=bob)
    first = next_ask(campaign, bob)
    assert first is not None
    assert next_ask(campaign, bob) == first  # left open
    assert (first.surface, first.outcome, first.p_ask, first.p_pair) == ("campaign", "open", 1.0, 0.25)
    answered = answer_all(campaign, bob, lambda _ask: 4)
    assert {ask.image_id for ask in answered} == set(CampaignPicture.objects.values_list("image", flat=True))
    assert Rating.objects.filter(rater=bob, value=4).count() == 4
    same = token_for(answered[0])
    asks.answer_campaign_ask(token=same, rater=bob, value=4)  # idempotent
    assert refusal(asks.answer_campaign_ask, token=same, rater=bob, value=5).status == 409


def test_asking_stops_at_the_answers_wanted_at_the_end_and_for_who_left(
    two: list[Checkpoint], rita: User, make_member: MakeMember, make_image: MakeImage
) -> None:
    campaign = opened(two, rita, make_image)
    one, other, third, late = (make_member(name) for name in ("one", "other", "third", "late"))
    assert [len(answer_all(campaign, rater, lambda _ask: 3)) for rater in (one, other, third)] == [4, 4, 0]
    more = opened(two, rita, make_image, answers_wanted=9)
    for rater in (one, other):
        services.agree_to_campaign(campaign=more, member=rater)
    token = token_for(next_ask(more, one) or Ask())
    assert services.leave_campaign(campaign=more, member=one)
    assert not services.leave_campaign(campaign=more, member=one)
    assert refusal(asks.answer_campaign_ask, token=token, rater=one, value=3).status == 409
    with pytest.raises(NotFound):
        next_ask(more, one)
    open_ask = next_ask(more, other)
    assert open_ask
    later = more.ends_at + timedelta(seconds=1)
    assert services.end_past_campaigns(at=later) == 2
    assert not services.end_campaign(campaign=more)
    assert refusal(asks.answer_campaign_ask, token=token_for(open_ask), rater=other, value=3).status == 409
    assert refusal(services.agree_to_campaign, campaign=more, member=late).status == 409
    assert not Ask.objects.filter(outcome="open").exists()


def test_only_the_members_of_a_list_are_asked(
    two: list[Checkpoint], rita: User, bob: User, mallory: User, make_image: MakeImage
) -> None:
    campaign = opened(two, rita, make_image, listed=["bob"])
    assert set(Campaign.objects.known_to(bob)) == {campaign}
    assert not Campaign.objects.known_to(mallory).exists()
    with pytest.raises(NotFound):
        services.agree_to_campaign(campaign=campaign, member=mallory)
    services.agree_to_campaign(campaign=campaign, member=bob)
    ask = next_ask(campaign, bob)
    assert ask
    with pytest.raises(NotFound):  # somebody else's token
        asks.answer_campaign_ask(token=token_for(ask), rater=mallory, value=1)
    with pytest.raises(Refused):  # the ordinary page takes no answer of a campaign
        asking_services.answer_ask(token=token_for(ask), rater=bob, value=1)
    assert not Rating.objects.exists()


def test_pairs_compare_two_checkpoints_of_one_prompt_and_mix_with_nothing(
    two: list[Checkpoint], rita: User, bob: User, alice: User, make_image: MakeImage
) -> None:
    campaign = opened([*two, checkpoint_row("cinder", "cinder")], rita, make_image, question=preference())
    answered = answer_all(campaign, bob, lambda _ask: "left")
    assert len(answered) == 2 * 3
    assert all(ask.strategy == "campaign" and ask.p_side == 0.5 for ask in answered)
    for ask in answered:
        both = CampaignPicture.objects.filter(image__in=ask.subject)
        assert len({picture.checkpoint_id for picture in both}) == 2
        assert len({picture.prompt_id for picture in both}) == 1
    assert Comparison.objects.count() == 6
    assert not Comparison.objects.votes().exists()
    rated = opened(two, rita, make_image)
    answer_all(rated, bob, lambda _ask: 5)
    assert Rating.objects.count() == 4
    assert not Rating.objects.by_others().exists()
    snapshot = reports.compute_snapshot(days=7)
    assert snapshot
    body = snapshot.body
    assert body["leaderboard"]["rows"] == body["duels"] == body["responses"] == []
    parameters = Parameters.from_json(Policy.objects.current().parameters)
    for member in (alice, bob):
        assert not any(comparison_pools(member, parameters, timezone.now(), with_own=True).values())
        assert not Image.objects.visible_to(member, timezone.now()).exists()
    evaluate_raters(raters=[bob.pk])  # quality rules read campaigns too


def test_progress_has_intervals_once_there_is_enough_and_leaves_out_flags_and_who_left(
    two: list[Checkpoint], rita: User, make_member: MakeMember, make_image: MakeImage
) -> None:
    prompts = [Prompt(f"a fox {n}") for n in range(6)]
    campaign = opened(two, rita, make_image, prompts=prompts, answers_wanted=7)
    best = set(CampaignPicture.objects.filter(checkpoint=two[0]).values_list("image", flat=True))
    crowd = [make_member(f"rater{n}") for n in range(7)]

    def say(ask: Ask) -> int:
        return min(5, (4 if ask.image_id in best else 2) + (ask.rater_id + (ask.image_id or 0)) % 2)

    for rater in crowd[:4]:
        answer_all(campaign, rater, say)
    few = progress_of(campaign)
    assert [(row["model"], row["low"]) for row in few["means"]] == [("aurora", None), ("basalt", None)]
    for rater in crowd[4:]:
        answer_all(campaign, rater, say)
    full = progress_of(campaign)
    assert (full["answered"], full["wanted"], full["share"], full["members"]) == (84, 84, 1.0, 7)
    first, second = full["means"]
    assert first["low"] < first["mean"] < first["high"]
    assert (second["high"] < first["low"], first["raters"], first["pictures"]) == (True, 7, 6)
    bad = campaign.asks.filter(rater=crowd[0])[0]
    QualityFlag.objects.create(version=RULES_VERSION, ask=bad, flag="too_fast", raised_at=timezone.now())
    services.leave_campaign(campaign=campaign, member=crowd[1])
    left = progress_of(campaign)
    assert (left["flagged"], left["left"]) == (1, 1)
    assert sum(row["answers"] for row in left["means"]) == 84 - 12 - 1


def test_the_interval_of_a_mean_is_the_statistics_packages() -> None:
    rng = random.Random(3)
    answers = [(image, rater, rng.randint(1, 5)) for image in range(9) for rater in range(8)]
    found = mean_of(answers)
    assert found["mean"] == pytest.approx(sum(value for *_ids, value in answers) / 72)
    assert (found["effective_raters"], found["effective_pictures"]) == (pytest.approx(8), pytest.approx(9))
    assert mean_of([(image, 0, 3) for image in range(9)])["low"] is None


def test_who_deletes_their_account_leaves_nothing_in_a_campaign(
    two: list[Checkpoint], rita: User, bob: User, make_image: MakeImage
) -> None:
    campaign = opened(two, rita, make_image, listed=["bob"])
    answer_all(campaign, bob, lambda _ask: 4)
    delete_account(user=bob)
    delete_account(user=rita)
    assert not CampaignMember.objects.exists()
    assert not campaign.asks.exists()
    campaign.refresh_from_db()
    assert campaign.created_by is None
    assert Question.objects.filter(pk=campaign.question_id).exists()


@given(st.lists(st.integers(0, 50), min_size=1, max_size=30), st.integers())
def test_every_subject_has_a_chance_and_the_chances_add_up(lacking: list[int], seed: int) -> None:
    subjects = [Subject(n, n, each) for n, each in enumerate(lacking)]
    chances = subject_probabilities(subjects, 0.1)
    assert sum(chances) == pytest.approx(1)
    assert min(chances) >= 0.1 / len(subjects) - 1e-12
    drawn = draw_subject(subjects, uniform_share=0.1, rng=random.Random(seed))
    assert drawn
    assert drawn[1] == chances[drawn[0].low]
    assert draw_subject([], uniform_share=0.1, rng=random.Random(seed)) is None
