"""A small community with pairs in every split, and a release of every format built from it; fixtures."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from accounts.models import User
from feed.models import Poll
from feed.polls.services import create_poll, vote_in_poll
from generation.models import Image
from ratings.releases.engine.splits import split_of
from ratings.releases.formats.registry import FORMATS
from tests.generation.fixtures import MakeImage
from tests.ratings.answers import consent, leave_unanswered, mark_places, rank, rate, vote, vote_by_aspect
from tests.ratings.releases.folders import build

Pair = tuple[Image, Image]
_BUILT: list[Path] = []


def prompts_of(split: str, n: int, word: str = "cat") -> list[str]:
    """The first `n` prompts of this kind that the site's salt puts into `split`."""
    candidates = (f"a {word} number {number}" for number in range(10_000))
    found = (prompt for prompt in candidates if split_of(settings.RELEASE_SECRET, prompt) == split)
    return [next(found) for _ in range(n)]


@pytest.fixture
def make_pair(make_image: MakeImage) -> Callable[..., Pair]:
    """Two pictures of one prompt and generation."""

    def make(author: User, prompt: str, **fields: Any) -> Pair:
        first = make_image(author, prompt=prompt, seed=1, **fields)
        return first, make_image(author, generation=first.generation, seed=2)

    return make


@pytest.fixture
def community(alice: User, bob: User, make_pair: Callable[..., Pair]) -> dict[str, list[Pair]]:
    """Alice's pairs in every split, compared by Bob; both agreed to everything."""
    consent(alice, bob)
    pairs = {
        split: [make_pair(alice, prompt) for prompt in prompts_of(split, n)]
        for split, n in {"train": 4, "validation": 2, "test": 1}.items()
    }
    for found in pairs.values():
        for number, (one, other) in enumerate(found):
            vote(bob, one, other, other if number % 2 else one, swapped=bool(number % 2))
            rate(bob, one, 1 + number)
    rate(bob, pairs["train"][0][1], None)
    leave_unanswered(bob, pairs["train"][1][1])
    return pairs


def poll_with_votes(votes: dict[User, int]) -> Poll:
    """A poll about colours, made by nobody in particular, with the option that each member voted for."""
    closes = timezone.now() + timedelta(days=1)
    staff = User.objects.create(username="pollster")
    poll = create_poll(
        question="Which colour?", options=["red, warm", 'blue "ice"'], closes_at=closes, created_by=staff
    )
    for member, option in votes.items():
        vote_in_poll(poll=poll, option=option, member=member)
    return poll


@pytest.fixture
def other_answers(community: dict[str, list[Pair]], bob: User) -> None:
    """Bob also compared the pairs by aspects, marked places in pictures, put some in order, and voted in a poll."""
    poll_with_votes({bob: 1})
    for found in community.values():
        for number, (one, other) in enumerate(found):
            vote_by_aspect(bob, one, other, one if number % 2 else other, "lighting")
            mark_places(bob, other, (0.5, 0.25, "hand"), (0.75, 0.5, ""))
    train = community["train"]
    vote_by_aspect(bob, *train[0], train[0][0], "colour")
    vote_by_aspect(bob, *train[1], "tie", "colour")
    mark_places(bob, train[0][0])
    for split in ("train", "validation"):
        rank(bob, *(image for pair in community[split][:2] for image in pair))


@pytest.fixture
def release_folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a release with a row of every format in train and validation, built once a process.

    Copy it before changing it.
    """
    if not _BUILT:
        request.getfixturevalue("other_answers")
        out = tmp_path_factory.mktemp("built") / "salon-pickapic-2026.11.22"
        build(out, tuple(FORMATS))
        _BUILT.append(out)
    return _BUILT[0]
