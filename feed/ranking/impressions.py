"""Which posts came before whose eyes: told in batches by the page, counted in Valkey, folded into hours.

Never a row per impression. A viewer counts once per post and day (UTC); for members the days of a week are kept,
so that they can hide what they have seen. Authors do not count for their own posts.
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
from feed.models import Post, PostHour
from lib.limits import check_rate

MOST_AT_ONCE = 60
SEEN_DAYS = 7
_DAY = timedelta(days=1)
_PENDING = "feed:impressions:pending"  # hours whose counts wait to be folded
_FOLDING = "feed:impressions:folding"


@cache
def _valkey() -> "redis.Redis":
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2)


def viewer_key(viewer: Viewer, address: str, agent: str, at: datetime) -> str:
    """Who looks: a member, or for visitors a keyed digest that means nothing tomorrow."""
    if isinstance(viewer, User):
        return f"m{viewer.pk}"
    words = f"{at:%Y%m%d}|{address}|{agent}".encode()
    return "v" + hmac.new(settings.SECRET_KEY.encode(), words, hashlib.sha256).hexdigest()[:24]


def note_impressions(*, viewer: Viewer, key: str, public_ids: Sequence[str], at: datetime) -> int:
    """Counts what `viewer` had on screen, as far as they may see it; returns how many were new today."""
    shown = Post.objects.shown_to(viewer, at).filter(public_id__in=public_ids[:MOST_AT_ONCE])
    posts = [pk for pk, author in shown.values_list("pk", "author_id") if author != viewer.pk]
    return count_impressions(key, posts, at) if posts else 0


def count_impressions(key: str, posts: Sequence[int], at: datetime) -> int:
    """Adds a viewer to each post's impressions of this hour, unless they were counted today."""
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


def fold_impressions() -> int:
    """Adds what was counted since the last time to `PostHour`; returns how many rows that touched.

    The counts are first moved aside under one name, so that a fold that died is finished by the next, and new
    ones go elsewhere. Should it die between commit and delete, one batch counts twice: these are estimates.
    """
    client, folded = _valkey(), 0
    for hour in sorted(name.decode() for name in cast("set[bytes]", client.smembers(_PENDING))):
        aside = f"{_FOLDING}:{hour}"
        if not client.exists(aside):
            client.srem(_PENDING, hour)  # before the move: who counts meanwhile names the hour again
            if not client.exists(f"{_PENDING}:{hour}"):
                continue
            client.rename(f"{_PENDING}:{hour}", aside)
        folded += _add(hour, cast("dict[bytes, bytes]", client.hgetall(aside)))
        client.delete(aside)
    return folded


@transaction.atomic
def _add(hour: str, counts: dict[bytes, bytes]) -> int:
    posts = {int(post): int(number) for post, number in counts.items()}
    values: dict[str, Any] = {"hour": f"{hour}:00:00+00", "posts": list(posts), "numbers": list(posts.values())}
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO feed_posthour AS known (post_id, hour, impressions, likers)"
            " SELECT post_id, %(hour)s, number, 0 FROM unnest(%(posts)s::bigint[], %(numbers)s::int[])"
            " AS told(post_id, number) JOIN feed_feedentry USING (post_id) ORDER BY post_id"
            " ON CONFLICT (hour, post_id) DO UPDATE SET impressions = known.impressions + excluded.impressions",
            values,
        )
        return int(cursor.rowcount)


def forget_old_hours(at: datetime) -> None:
    PostHour.objects.filter(hour__lt=at - _DAY).delete()


def _seen_key(key: str, at: datetime) -> str:
    return f"feed:seen:{at:%Y%m%d}:{key}"


def check_beacon_rate(key: str) -> None:
    """Raises Refused (429)."""
    check_rate(key=f"feed:beacon:{key}", limit=60, seconds=60)
