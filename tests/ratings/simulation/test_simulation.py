"""A simulated community: repeatable, made by the real services, and good enough to make a release of."""

from pathlib import Path

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import ConsentEvent, User
from feed.challenges.hero import hero
from feed.challenges.models import Stage
from feed.models import Challenge, ChallengeEntry, Like, Poll, PollVote, Post
from generation.models import Checkpoint, Generation, Image
from moderation.models import Decision, Report
from ratings.models import Ask, Comparison, Rating
from ratings.simulation import preferences
from ratings.simulation.preferences import SimulatedPicture
from ratings.simulation.scenario import write_scenario
from tests.conftest import MakeMember

pytestmark = pytest.mark.django_db
TABLES = (
    User,
    ConsentEvent,
    Generation,
    Image,
    Post,
    Like,
    Ask,
    Rating,
    Comparison,
    Report,
    Decision,
    ChallengeEntry,
    PollVote,
)


def _split(prompt: str) -> str:
    return ("train", "validation", "test")[len(prompt) % 3]


def simulate(*more: str) -> None:
    call_command("simulate_community", "--members", "5", "--days", "2", "--images", "24", "--inline", *more)


def counts() -> dict[str, int]:
    return {table.__name__: table._default_manager.count() for table in TABLES}


def test_the_same_seed_writes_the_same_scenario() -> None:
    one, again, other = (
        write_scenario(members=12, days=3, seed=seed, images=72, split_of=_split) for seed in (1, 1, 2)
    )
    assert one == again
    assert [plan.prompt for plan in one.plans] != [plan.prompt for plan in other.plans]
    assert len({plan.prompt for plan in one.plans}) >= 20
    assert {_split(plan.prompt) for plan in one.plans if one.personas[plan.persona].agrees} >= {"train", "validation"}
    assert all(one.plans[plan.remix_of].ago >= plan.ago for plan in one.remixes() if plan.remix_of is not None)


def test_better_pictures_win_more_often_and_each_member_has_a_preference() -> None:
    import random

    sights = sorted(
        (SimulatedPicture(f"g/{n}", "a red cat") for n in range(40)),
        key=lambda picture: preferences.quality(1, picture),
    )
    worst, best = sights[2], sights[-3]
    outcomes = [preferences.compares(1, "ada", best, worst, random.Random(n)) for n in range(200)]
    assert outcomes.count("left") > 3 * outcomes.count("right")
    assert preferences.preference(1, "ada", best) != preferences.preference(1, "bruno", best)


def test_a_community_is_played_once_and_a_release_can_be_made_of_it(
    tiny_checkpoint: Checkpoint, tmp_path: Path, settings: object
) -> None:
    settings.ASK_POLICY_VERSION = 2  # type: ignore[attr-defined]
    simulate()
    first = counts()
    assert all(first.values()), first
    assert set(User.objects.values_list("is_simulated", flat=True)) == {True}
    assert Generation.objects.exclude(parent=None).exists()
    assert not Post.objects.filter(published_at__gt=timezone.now()).exists()
    at = timezone.now()
    entered = Challenge.objects.filter(pk__in=ChallengeEntry.objects.values("challenge"))
    # Seeds are drawn at random: a picture that looks like one that is in is refused, and a stage may have no entry.
    stages = {challenge.stage(at) for challenge in entered}
    assert stages
    assert stages <= {Stage.FINISHED, Stage.VOTING, Stage.OPEN}
    assert hero(AnonymousUser(), at) is not None
    beside, over = Poll.objects.order_by("-closes_at")
    assert (beside.challenge, over.is_open(at)) == (Challenge.objects.current(at).get(), False)
    assert all(poll.votes.exists() for poll in (beside, over))
    simulate()
    assert counts() == first
    call_command("build_release", str(tmp_path / "out"))
    assert (tmp_path / "out" / "manifest.json").exists()


def test_it_says_what_it_lacks(make_member: MakeMember, tiny_checkpoint: Checkpoint, settings: object) -> None:
    with pytest.raises(CommandError, match="demo mode"):
        simulate("--demo")
    with pytest.raises(CommandError, match="at least 2 members"):
        simulate("--members", "1")
    make_member("ada")
    with pytest.raises(CommandError, match="“ada” is a real member"):
        simulate()
    Checkpoint.objects.update(is_enabled=False)
    with pytest.raises(CommandError, match="no checkpoint"):
        simulate()
