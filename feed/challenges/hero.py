"""Today's challenge above the feed, with a few of its entries."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.core.cache import cache
from django.db.models import OuterRef

from accounts.models import Viewer
from feed.challenges.entries import KEPT_SECONDS, read_entries
from feed.challenges.models import Challenge, ChallengeEntry
from feed.challenges.services import entries_key
from feed.posts.cards import picture_of
from lib.days import local_day

HERO_SECONDS = 60
HERO_ENTRIES = 4


def hero(viewer: Viewer, at: datetime) -> dict[str, object] | None:
    """Today's challenge for the feed, with a few entries; what is the same for everybody is kept a minute."""
    day = local_day(at)
    key = f"feed:challenge:{day}"
    found: dict[str, Any] | None = cache.get(key)
    if found is None or "pk" not in found:
        rows = Challenge.objects.filter(day__in=[day, day - timedelta(days=1)])
        entered = ChallengeEntry.objects.filter(challenge=OuterRef("pk")).order_by("pk").values("post")
        days = {row.day: row for row in rows.annotate(entered=ArraySubquery(entered))}  # one query for both
        challenge, voting = days.get(day), days.get(day - timedelta(days=1))
        found = {"pk": 0}
        if challenge is not None:
            cache.set(entries_key(challenge.pk), challenge.__dict__["entered"], KEPT_SECONDS)
            is_voting = voting is not None and voting.closed_at is None
            found = {
                "pk": challenge.pk,
                "theme": challenge.theme,
                "hint": challenge.hint,
                "closes_at": challenge.entries_end_at,
                "vote_day": voting.day.isoformat() if voting and is_voting else "",
            }
        cache.set(key, found, HERO_SECONDS)
    if not found["pk"]:
        return None
    challenge = Challenge(pk=found["pk"], day=day)
    page = read_entries(challenge, viewer, at=at, size=HERO_ENTRIES)
    shown = [post for post in page.posts if not post.is_blurred]
    return {**found, "pictures": [(picture_of(post, viewer, at, "160px"), post) for post in shown]}
