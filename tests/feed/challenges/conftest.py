"""A day in New York with entries, and the outcome of votes on them."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime

import pytest
from pytest_django.fixtures import Settings

from feed.challenges.results import Outcome, Score, store_outcome
from feed.models import Challenge, ChallengeEntry, Post

DAY = date(2026, 3, 7)
NOON = datetime(2026, 3, 7, 17, tzinfo=UTC)
ENDS = datetime(2026, 3, 9, 4, tzinfo=UTC)  # of voting, on a day of 23 hours


@pytest.fixture
def challenge(settings: Settings, db: None) -> Challenge:
    """A day in New York: 5:00 UTC to 5:00 UTC of the next."""
    settings.TIME_ZONE = "America/New_York"
    return Challenge.objects.create(day=DAY, theme="Round things")


def enter_all(challenge: Challenge, posts: Sequence[Post]) -> None:
    ChallengeEntry.objects.bulk_create(
        ChallengeEntry(challenge=challenge, post=post, member=post.author, created_at=post.published_at)
        for post in posts
    )


def outcome_of(strengths: dict[int, float], closing: str = "time") -> Outcome:
    """As the votes would have it: strengths by entry."""
    scores = {entry: Score(value, value - 0.3, value + 0.3, 5, 3, 1) for entry, value in strengths.items()}
    return Outcome(closing=closing, judges=20, votes=90, agreement=0.8, scores=scores)


Decide = Callable[..., Challenge]


@pytest.fixture
def decide() -> Decide:
    """``decide(challenge, posts)``: closed, the earlier of `posts` the stronger; `strengths` gives others."""

    def close(
        challenge: Challenge, posts: Sequence[Post], strengths: Sequence[float] = (), at: datetime = ENDS
    ) -> Challenge:
        enter_all(challenge, [post for post in posts if not post.challenge_entries.exists()])
        entries = [ChallengeEntry.objects.get(challenge=challenge, post=post).pk for post in posts]
        values = strengths or [float(len(posts) - n) for n in range(len(posts))]
        assert store_outcome(challenge=challenge, outcome=outcome_of(dict(zip(entries, values, strict=True))), at=at)
        return challenge

    return close
