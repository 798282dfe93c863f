"""Impressions: reported in batches by the page, counted in Valkey, and flushed to hourly statistics.

There is no row per impression. A viewer counts once per post and day (UTC). For members, a week of days is kept, so
that they can hide what they have seen. Authors do not count for their own posts.
"""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any, cast

import redis
from django.conf import settings
from django.db import connection, transaction

from accounts.models import User, Viewer
from feed.posts.models import Post
from feed.ranking.models import PostHourlyStats
from lib.limits import check_rate

MOST_AT_ONCE = 60
SEEN_DAYS = 7
_DAY = timedelta(days=1)
_PENDING = "feed:impressions:pending"  # hours whose counts wait to be flushed
_FLUSHING = "feed:impressions:folding"


@cache
def _valkey() -> "redis.Redis":
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2)


def viewer_key(viewer: Viewer, address: str, agent: str, at: datetime) -> str:
    """Identifies a viewer: a member by id, a visitor by a keyed digest that changes every day."""
    if isinstance(viewer, User):
        return f"m{viewer.pk}"
    words = f"{at:%Y%m%d}|{address}|{agent}".encode()
    return "v" + hmac.new(settings.SECRET_KEY.encode(), words, hashlib.sha256).hexdigest()[:24]


def note_impressions(*, viewer: Viewer, key: str, public_ids: Sequence[str], at: datetime) -> int:
    """Counts the posts that `viewer` had on screen, if they may see them; returns how many were new today.

    Raises:
        Refused: 429 for a viewer who reports too often.
    """
    check_rate(key=f"feed:beacon:{key}", limit=60, seconds=60)
    shown = Post.objects.shown_to(viewer, at).filter(public_id__in=public_ids[:MOST_AT_ONCE])
    posts = [pk for pk, author in shown.values_list("pk", "author_id") if author != viewer.pk]
    return count_impressions(key, posts, at) if posts else 0


def count_impressions(key: str, posts: Sequence[int], at: datetime) -> int:
    """Adds one viewer to each post's impressions of this hour, unless they were counted today."""
    seen = _seen_key(key, at)
    with _valkey().pipeline(transaction=False) as pipe:
        for post in posts:
            pipe.sadd(seen, post)
        pipe.expire(seen, (SEEN_DAYS + 1) * 86_400 if key.startswith("m") else 2 * 86_400)
        new = [post for post, added in zip(posts, pipe.execute(), strict=False) if added]
        if new:
            hour = f"{at:%Y-%m-%dT%H}"
            for post in new:
                pipe.hincrby(f"{_PENDING}:{hour}", str(post), 1)
            pipe.sadd(_PENDING, hour)
            pipe.execute()
    return len(new)


def seen_by(member: User, posts: Sequence[int], at: datetime) -> set[int]:
    """Which of `posts` the member had on screen within the last days."""
    if not posts:
        return set()
    with _valkey().pipeline(transaction=False) as pipe:
        for days in range(SEEN_DAYS):
            pipe.smismember(_seen_key(f"m{member.pk}", at - days * _DAY), [str(post) for post in posts])
        return {post for day in pipe.execute() for post, is_member in zip(posts, day, strict=True) if is_member}


def forget_seen(member: User, at: datetime) -> None:
    _valkey().delete(*[_seen_key(f"m{member.pk}", at - days * _DAY) for days in range(SEEN_DAYS + 1)])


def flush_impressions() -> int:
    """Adds the counts since the last flush to `PostHourlyStats`; returns how many rows that changed.

    The counts are first renamed, so that new ones go elsewhere and a flush that died is finished by the next one.
    If it dies between commit and delete, one batch counts twice, which an estimate can bear.
    """
    client, flushed = _valkey(), 0
    for hour in sorted(name.decode() for name in cast("set[bytes]", client.smembers(_PENDING))):
        aside = f"{_FLUSHING}:{hour}"
        if not client.exists(aside):
            client.srem(_PENDING, hour)  # before renaming: whoever counts meanwhile adds the hour again
            if not client.exists(f"{_PENDING}:{hour}"):
                continue
            client.rename(f"{_PENDING}:{hour}", aside)
        flushed += _add(hour, cast("dict[bytes, bytes]", client.hgetall(aside)))
        client.delete(aside)
    return flushed


@transaction.atomic
def _add(hour: str, counts: dict[bytes, bytes]) -> int:
    posts = {int(post): int(number) for post, number in counts.items()}
    values: dict[str, Any] = {"hour": f"{hour}:00:00+00", "posts": list(posts), "numbers": list(posts.values())}
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO feed_posthour AS known (post_id, hour, impressions, likers)"
            " SELECT post_id, %(hour)s, number, 0 FROM unnest(%(posts)s::bigint[], %(numbers)s::int[])"
            " AS counted(post_id, number) JOIN feed_feedentry USING (post_id) ORDER BY post_id"
            " ON CONFLICT (hour, post_id) DO UPDATE SET impressions = known.impressions + excluded.impressions",
            values,
        )
        return int(cursor.rowcount)


def forget_old_hours(at: datetime) -> None:
    PostHourlyStats.objects.filter(hour__lt=at - _DAY).delete()


def _seen_key(key: str, at: datetime) -> str:
    return f"feed:seen:{at:%Y%m%d}:{key}"
