"""A snapshot of the Research pages, and votes between two models."""

from datetime import datetime, timedelta

from django.utils import timezone

from accounts.models import User
from feed.models import Post, PostTag, Tag
from ratings.models import ReportSnapshot
from ratings.research import reports
from tests.generation.fixtures import checkpoint_row
from tests.ratings.answers import vote
from tests.ratings.conftest import Publish


def read(days: int = 30, at: datetime | None = None) -> ReportSnapshot:
    snapshot = reports.compute_snapshot(days=days, at=at or timezone.now() + timedelta(seconds=1))
    assert snapshot is not None
    return snapshot


def compared(alice: User, publish: Publish, crowd: list[User]) -> None:
    """Six people compare a toy and a zeta picture of six prompts; zeta wins where the prompt's number allows.

    Pictures of the first three prompts have the tag "foxes", both of a pair.
    """
    zeta, tag = checkpoint_row("zeta", "zeta"), Tag.objects.create(name="foxes")
    for number in range(6):
        toy = publish(alice, seed=number, prompt=f"a fox, {number}")
        other = publish(alice, seed=number + 50, prompt=f"a fox, {number}", checkpoint=zeta)
        for place, rater in enumerate(crowd):
            vote(rater, toy, other, other if (place + number) % 3 else toy, swapped=bool(place % 2))
        if number < 3:
            posts = Post.objects.filter(image__in=(toy, other))
            PostTag.objects.bulk_create(PostTag(post=post, tag=tag) for post in posts)
